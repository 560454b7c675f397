internal import FoundationEssentials
internal import HTTPTypes

/// The page that shows the API to people: one HTML file that loads nothing, with the document inside.
struct DocumentationPage {
    let content: StaticDocument

    /// - Parameters:
    ///   - title: the API's.
    ///   - document: the OpenAPI document as JSON text.
    init(title: String, document: String) {
        let style = PageStyle.text
        let script = PageScript.text
        let html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(Self.escaped(title))</title>
            <style>\(style)</style>
            </head>
            <body>
            <noscript>This page shows the API by a script of its own, and runs no other.</noscript>
            <script type="application/json" id="document">\(Self.inScript(document))</script>
            <script>\(script)</script>
            </body>
            </html>

            """
        // Nothing but what stands in this page, and requests to the API itself.
        let policy = [
            "default-src 'none'", "script-src '\(Self.source(script))'", "style-src '\(Self.source(style))'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'",
        ].joined(separator: "; ")
        var headers: HTTPFields = [.contentSecurityPolicy: policy]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        content = StaticDocument(
            contentType: "text/html; charset=utf-8", headers: headers, body: Array(html.utf8))
    }

    private static func source(_ text: String) -> String {
        "sha256-" + Data(SHA256.hash(of: Array(text.utf8))).base64EncodedString()
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// No text in the document ends the script that holds it: in JSON, `<` stands in strings only.
    private static func inScript(_ json: String) -> String { json.replacing("<", with: "\\u003c") }
}
