import Foundation
import Testing

/// The testbed's shop: independent tools read its description and try its requests.
/// `Tests/install-python-packages` installs them.
@Suite("The API's description", .serialized)
struct OpenAPITests {
    private static let manifest = TestManifest(
        """
        prefix: /api
        workers: { min: 2, max: 8 }
        openapi:
          title: The shop <script>alert(1)</script>
          version: 1.2.0
          document: /openapi.json
          page: /docs
        """,
        routes: """
              - { path: /products, method: GET, handler: find-products, tags: [Products], summary: Find products }
              - path: /products
                method: POST
                handler: add-product
                tags: [Products]
                description: |
                  Adds **one** product, see [the rules](https://shop.example/rules_of_sale):

                  1. `name` is unique
                  2. <img src=x onerror="document.title='taken'"> is a *text*

                  [Not a link](javascript:document.title='taken')
              - path: "/products/{product:int}"
                method: GET
                handler: show-product
                summary: <script>document.title = "taken"</script>
              - { path: "/products/{product:int}", method: DELETE, handler: remove-product, tags: [Products] }
              - { path: /feedback, method: POST, handler: give-feedback }
              - { path: /scans, method: POST, handler: scan, deprecated: true }
              - { path: "/codes/{code:[A-Z]{3}-\\\\d+}", method: GET, handler: by-code }
              - { path: /picture, method: GET, handler: picture }
              - { regex: "/old/.*", method: GET, handler: hello }
            """)

    private static func python(_ tool: String) -> String {
        BuildProducts.repository + "/.build/python/bin/" + tool
    }

    private static func withShop(_ body: (NginxServer) throws -> Void) throws {
        try Server.run(manifest, awaitingAnswer: false) { server in
            try NginxServer.run(to: server) { nginx in
                try waitUntil("the shop answers") {
                    try nginx.client().ask("GET", "/api/picture").status == 200
                }
                try body(nginx)
            }
        }
    }

    @Test("The subcommand prints a document that a public validator accepts, and the server serves the same")
    func validity() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", Self.manifest.text)
        let written = try Command(BuildProducts.testbed, ["openapi", "--output", "openapi.json"], in: folder)
        #expect(written.exit == .status(0), "\(written.errors)")
        #expect(written.errors.contains("/old/.*"), "\(written.errors)")
        let printed = try Command(BuildProducts.testbed, ["openapi"], in: folder)
        #expect(printed.output == folder.text("openapi.json"))
        let check = try Command(
            Self.python("openapi-spec-validator"), [folder.file("openapi.json")], in: folder)
        #expect(check.exit == .status(0), "\(check.output)\(check.errors)")
        try Self.withShop { nginx in
            let reply = try nginx.client().ask("GET", "/api/openapi.json")
            let (served, own) = (Data(reply.body), Data(printed.output.utf8))
            let documents = try [served, own].map {
                try #require(try JSONSerialization.jsonObject(with: $0) as? NSDictionary)
            }
            #expect(documents[0] == documents[1])
        }
    }

    @Test("schemathesis finds no response that the document does not promise", .timeLimit(.minutes(10)))
    func conformance() throws {
        try Self.withShop { nginx in
            let folder = try TestFolder()
            let run = try Command(
                Self.python("schemathesis"),
                [
                    "run", "http://127.0.0.1:\(nginx.port)/api/openapi.json", "--max-examples", "20",
                    "--seed", "1",
                    "--generation-database", "none", "--header", "Authorization: Bearer valid", "--no-color",
                    // nginx itself answers TRACE, without a field Allow.
                    "--exclude-checks", "unsupported_method",
                    // Names of multipart fields are in headers, which cannot contain zero bytes.
                    "--generation-allow-x00", "false",
                ], in: folder, within: .seconds(240))
            #expect(run.exit == .status(0), "\(run.output.suffix(8_000))\(run.errors.suffix(2_000))")
            #expect(run.output.contains("No issues found"), "\(run.output.suffix(2_000))")
        }
    }

    @Test("The page shows the API, sends a request, and runs no script in the API's texts")
    func page() throws {
        try Self.withShop { nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/api/docs#add-product", width: 390) { page in
                #expect(try page.evaluate("document.querySelectorAll('article').length") == "8")
                #expect(try page.evaluate("document.title").contains("<script>"))
                // The deep link has opened only its operation.
                #expect(
                    try page.evaluate("document.querySelector('article > details[open]').parentNode.id")
                        == "add-product")
                #expect(try page.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true")
                _ = try page.evaluate(
                    """
                    (() => { const form = document.querySelector('#add-product form');
                      form.elements.body.value = JSON.stringify({ name: 'Kettle', price: 12.5 });
                      form.requestSubmit(); })()
                    """)
                try page.wait(for: "document.querySelector('#add-product .answer .code') !== null")
                let answer = try page.evaluate("document.querySelector('#add-product .answer').textContent")
                #expect(answer.contains("200") && answer.contains("Kettle"), "\(answer)")
                _ = try page.evaluate(
                    """
                    (() => { const search = document.querySelector('input[type=search]');
                      search.value = 'feedback'; search.dispatchEvent(new Event('input')); })()
                    """)
                #expect(try page.evaluate("document.querySelectorAll('article:not([hidden])').length") == "1")
            }
        }
    }

    @Test("The page shows CommonMark without HTML, successes first, and examples of answers")
    func rendering() throws {
        try Self.withShop { nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/api/docs#add-product") { page in
                func count(_ selector: String) throws -> String {
                    try page.evaluate("document.querySelectorAll(`#add-product .note \(selector)`).length")
                }
                #expect(try count("strong") == "1" && count("em") == "1" && count("code") == "1")
                #expect(try count("ol > li") == "2" && count("a") == "1" && count("img") == "0")
                let text = try page.evaluate("document.querySelector('#add-product .note').textContent")
                #expect(text.contains("<img src=x") && text.contains("Not a link"), "\(text)")
                #expect(try !page.evaluate("document.title").contains("taken"))
                let example = try page.evaluate(
                    "document.querySelector('#add-product .row details[open] pre').textContent")
                #expect(example.contains("\"price\": 0"), "\(example)")
                _ = try page.evaluate("document.querySelector('#picture summary').click()")
                try page.wait(for: "document.querySelector('#picture .row .code') !== null")
                #expect(
                    try page.evaluate(
                        "[...document.querySelectorAll('#picture .row .code')].map((row) => row.textContent)")
                        == "2XX,3XX,default")
            }
        }
    }

    @Test("Credentials are entered once, required values are checked before sending, and texts can be copied")
    func sending() throws {
        try Self.withShop { nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/api/docs#remove-product") { page in
                func submit(_ id: String, _ value: String) throws {
                    _ = try page.evaluate(
                        """
                        (() => { const form = document.querySelector('#\(id) form');
                          form.elements.product.value = '\(value)'; form.requestSubmit(); })()
                        """)
                }
                try submit("remove-product", "")
                #expect(try page.evaluate("document.activeElement.name") == "product")
                #expect(try page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true")
                #expect(
                    try page.evaluate("document.querySelector('#remove-product .answer').innerHTML") == "")
                func answer(_ id: String) throws -> String {
                    try page.wait(for: "document.querySelector('#\(id) .answer .code') !== null")
                    return try page.evaluate("document.querySelector('#\(id) .answer .code').textContent")
                }
                try submit("remove-product", "999")
                #expect(try answer("remove-product").contains("401"))
                _ = try page.evaluate(
                    """
                    (document.querySelector('#credentials input').value = 'valid'),
                    document.querySelector('#remove-product .answer').replaceChildren()
                    """)
                try submit("remove-product", "999")
                #expect(try answer("remove-product").contains("404"))
                // The cookie has no field.
                _ = try page.evaluate("document.querySelector('#show-product summary').click()")
                try page.wait(for: "document.querySelector('#show-product form') !== null")
                #expect(
                    try page.evaluate("document.querySelector('#show-product .rows').textContent")
                        .contains("A page cannot set this one"))
                _ = try page.evaluate(
                    """
                    (() => { navigator.clipboard.writeText = async (text) => { window.copied = text; };
                      document.querySelector('#remove-product form button[type=button]').click();
                      document.querySelector('#remove-product .answer button').click(); })()
                    """)
                try page.wait(
                    for:
                        "document.querySelector('#remove-product .answer [role=status]').textContent == 'Copied'"
                )
                let command = try page.evaluate("window.copied")
                #expect(
                    command.hasPrefix("curl -X DELETE") && command.contains("authorization: Bearer valid"),
                    "\(command)")
            }
        }
    }

    @Test("Borders of fields, buttons and boxes contrast with what is behind them", arguments: [false, true])
    func contrast(isDark: Bool) throws {
        try Self.withShop { nginx in
            let url = "http://127.0.0.1:\(nginx.port)/api/docs#add-product"
            try Browser.open(url, isDark: isDark) { page in
                let lowest = try page.evaluate(
                    """
                    (() => {
                      const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
                      const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
                        .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
                      const behind = (node) => {
                        const colour = getComputedStyle(node).backgroundColor;
                        return parts(colour)[3] === 0 ? behind(node.parentElement) : colour;
                      };
                      const nodes = document.querySelectorAll('input, select, textarea, button, article, .rows, .chip');
                      return Math.min(...[...nodes].map((node) => {
                        const style = getComputedStyle(node);
                        if (parseFloat(style.borderTopWidth) === 0) return 21;
                        return Math.min(...[behind(node), behind(node.parentElement)].map((colour) => {
                          const [low, high] = [light(style.borderTopColor), light(colour)].sort((a, b) => a - b);
                          return (high + 0.05) / (low + 0.05);
                        }));
                      }));
                    })()
                    """)
                #expect(try #require(Double(lowest)) >= 3, "\(lowest)")
            }
        }
    }
}
