internal import HTTPTypes

/// The page that shows the API to people: one HTML file that loads nothing, with the document inside.
struct DocumentationPage: Sendable {
    private let title: String
    private let document: String

    /// - Parameters:
    ///   - title: the API's.
    ///   - document: the OpenAPI document as JSON text.
    init(title: String, document: String) {
        self.title = Self.escaped(title)
        self.document = Self.inScript(document)
    }

    func handler(named name: String) -> Handler { Handler(name) { response() } }

    func response() -> Response {
        // Of this response alone, so that nothing else that might get into the page is run.
        let nonce = RequestID.random()
        // Nothing but what stands in this page, and requests to the API itself.
        let policy = [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'nonce-\(nonce)'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'",
        ].joined(separator: "; ")
        var headers: HTTPFields = [
            .contentSecurityPolicy: policy, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        return .html(html(nonce: nonce), headers: headers)
    }

    private func html(nonce: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title)</title>
        <style nonce="\(nonce)">\(PageStyle.text)</style>
        </head>
        <body>
        <noscript>This page shows the API by a script of its own, and runs no other.</noscript>
        <script type="application/json" id="document">\(document)</script>
        <script nonce="\(nonce)">\(PageScript.text)</script>
        </body>
        </html>

        """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// No text in the document ends the script that holds it: in JSON, `<` stands in strings only.
    private static func inScript(_ json: String) -> String { json.replacing("<", with: "\\u003c") }
}
