import Postlude

// Declared constraints, in a query, a path, a form, cookies and a JSON body.

struct Search: InputFields {
    @Field(1...50) var q: String
    @Field(1...100) var limit = 20
    @Field(...3) var tags: [String] = []
}

struct Line: InputFields {
    @Field(name: "item_id", greaterThan: 0) var itemID: Int
    @Field(1...9) var count = 1
}

struct Order: InputFields {
    @Field(1...2) var lines: [Line]
    @Field(matching: "^[A-Z]{3}$") var currency = "EUR"
}

struct Session: InputFields {
    @Field(8...) var session: String
}

func placeOrder(query: Query<Search>, order: JSONBody<Order>, cookies: Cookies<Session>) -> [String] {
    [query.q, "\(query.limit)", order.currency, "\(order.lines.map(\.itemID))", cookies.session]
}

func searchByForm(form: Form<Search>) -> [String] {
    [form.q, "\(form.limit)"] + form.tags
}
