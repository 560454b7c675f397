/// The responses of FastAPI 0.165 with pydantic 2.14 to the inputs of ``FastAPIAnswerTests``.
enum FastAPIAnswers {
    static let order: [(text: String, issues: [String])] = [
        (
            #"{}"#,
            [
                #"body.name: Field required (missing)"#
            ]
        ),
        (
            #"{"name":"ab"}"#,
            [
                "body.name: String should have at least 3 characters (string_too_short)"
                    + #" {"min_length":3}"#
            ]
        ),
        (
            #"{"name":"abcdef","ratio":0.4}"#,
            [
                "body.name: String should have at most 5 characters (string_too_long)"
                    + #" {"max_length":5}"#,
                "body.ratio: Input should be greater than or equal to 0.5 (greater_than_equal)"
                    + #" {"ge":0.5}"#,
            ]
        ),
        (
            #"{"name":"abc","ratio":1}"#,
            [
                #"body.ratio: Input should be less than 1 (less_than) {"lt":1}"#
            ]
        ),
        (
            #"{"name":"abc","tags":["a","b","c"]}"#,
            [
                "body.tags: List should have at most 2 items after validation, not 3 (too_long)"
                    + #" {"actual_length":3,"field_type":"List","max_length":2}"#
            ]
        ),
        (
            #"{"name":"abc","codes":[]}"#,
            [
                "body.codes: List should have at least 1 item after validation, not 0 (too_short)"
                    + #" {"actual_length":0,"field_type":"List","min_length":1}"#
            ]
        ),
        (
            #"{"name":"abc","slug":"A"}"#,
            [
                "body.slug: String should match pattern '^[a-z]+$' (string_pattern_mismatch)"
                    + #" {"pattern":"^[a-z]+$"}"#
            ]
        ),
        (
            #"{"name":"abc","slug":null}"#,
            []
        ),
        (
            #"{"name":"abc","address":{"city":"a","zip":0}}"#,
            [
                "body.address.city: String should have at least 2 characters (string_too_short)"
                    + #" {"min_length":2}"#,
                #"body.address.zip: Input should be greater than 0 (greater_than) {"gt":0}"#,
            ]
        ),
        (
            #"{"name":"abc","item_id":0}"#,
            [
                #"body.item_id: Input should be greater than 0 (greater_than) {"gt":0}"#
            ]
        ),
        (
            #"{"name":"abc","item_id":11}"#,
            [
                "body.item_id: Input should be less than or equal to 10 (less_than_equal)"
                    + #" {"le":10}"#
            ]
        ),
        (
            #"{"name":null}"#,
            [
                #"body.name: Input should be a valid string (string_type)"#
            ]
        ),
        (
            #"{"name":"abc""#,
            [
                #"body.[13]: JSON decode error (json_invalid) {"error":"Expecting ',' delimiter"}"#
            ]
        ),
        (
            #"{"name":,}"#,
            [
                #"body.[8]: JSON decode error (json_invalid) {"error":"Expecting value"}"#
            ]
        ),
        (
            #"{"name":"abc",}"#,
            [
                "body.[14]: JSON decode error (json_invalid)"
                    + #" {"error":"Expecting property name enclosed in double quotes"}"#
            ]
        ),
        (
            #"{"name":"é","x":nul}"#,
            [
                #"body.[16]: JSON decode error (json_invalid) {"error":"Expecting value"}"#
            ]
        ),
        (
            #"[1,2"#,
            [
                #"body.[4]: JSON decode error (json_invalid) {"error":"Expecting ',' delimiter"}"#
            ]
        ),
        (
            #"x"#,
            [
                #"body.[0]: JSON decode error (json_invalid) {"error":"Expecting value"}"#
            ]
        ),
    ]

    static let search: [(text: String, issues: [String])] = [
        (
            #""#,
            [
                #"query.q: Field required (missing)"#
            ]
        ),
        (
            #"q="#,
            [
                "query.q: String should have at least 1 character (string_too_short)"
                    + #" {"min_length":1}"#
            ]
        ),
        (
            #"q=abcdef"#,
            [
                "query.q: String should have at most 5 characters (string_too_long)"
                    + #" {"max_length":5}"#
            ]
        ),
        (
            #"q=a&limit=0"#,
            [
                "query.limit: Input should be greater than or equal to 1 (greater_than_equal)"
                    + #" {"ge":1}"#
            ]
        ),
        (
            #"q=a&limit=101"#,
            [
                "query.limit: Input should be less than or equal to 100 (less_than_equal)"
                    + #" {"le":100}"#
            ]
        ),
        (
            #"q=a&limit=x"#,
            [
                "query.limit: Input should be a valid integer, unable to parse string a"
                    + "s an integer (int_parsing)"
            ]
        ),
        (
            #"q=a&tags=1&tags=2&tags=3"#,
            [
                "query.tags: List should have at most 2 items after validation, not 3 (too_long)"
                    + #" {"actual_length":3,"field_type":"List","max_length":2}"#
            ]
        ),
        (
            #"q=a&numbers=1&numbers=x&numbers=y"#,
            [
                "query.numbers.[1]: Input should be a valid integer, unable to parse st"
                    + "ring as an integer (int_parsing)",
                "query.numbers.[2]: Input should be a valid integer, unable to parse st"
                    + "ring as an integer (int_parsing)",
            ]
        ),
        (
            #"q=a&slug=A"#,
            [
                "query.slug: String should match pattern '^[a-z]+$' (string_pattern_mismatch)"
                    + #" {"pattern":"^[a-z]+$"}"#
            ]
        ),
        (
            #"q=a&item_id=0"#,
            [
                #"query.item_id: Input should be greater than 0 (greater_than) {"gt":0}"#
            ]
        ),
        (
            #"q=a&ratio=0"#,
            [
                #"query.ratio: Input should be greater than 0 (greater_than) {"gt":0}"#
            ]
        ),
        (
            #"q=a&ratio=1.5"#,
            [
                #"query.ratio: Input should be less than 1.5 (less_than) {"lt":1.5}"#
            ]
        ),
        (
            #"limit=0&slug=1&item_id=x"#,
            [
                #"query.q: Field required (missing)"#,
                "query.limit: Input should be greater than or equal to 1 (greater_than_equal)"
                    + #" {"ge":1}"#,
                "query.slug: String should match pattern '^[a-z]+$' (string_pattern_mismatch)"
                    + #" {"pattern":"^[a-z]+$"}"#,
                "query.item_id: Input should be a valid integer, unable to parse string"
                    + " as an integer (int_parsing)",
            ]
        ),
    ]

    static let form: [(text: String, issues: [String])] = [
        (
            #""#,
            [
                #"body.name: Field required (missing)"#
            ]
        ),
        (
            #"name="#,
            [
                #"body.name: Field required (missing)"#
            ]
        ),
        (
            #"name=a&age=17"#,
            [
                "body.name: String should have at least 2 characters (string_too_short)"
                    + #" {"min_length":2}"#,
                "body.age: Input should be greater than or equal to 18 (greater_than_equal)"
                    + #" {"ge":18}"#,
            ]
        ),
        (
            #"name=ab&age="#,
            []
        ),
        (
            #"name=ab&age=x"#,
            [
                "body.age: Input should be a valid integer, unable to parse string as a"
                    + "n integer (int_parsing)"
            ]
        ),
    ]
}
