internal import HTTPTypes

/// The page that shows the status to people: one HTML file that loads nothing but `status.json` beside it.
struct StatusPage: Sendable {
    func response() -> Response {
        // Of this response alone, so that nothing else that might get into the page is run.
        let nonce = RequestID.random()
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
        <link rel="icon" href="data:,">
        <title>Status</title>
        <style nonce="\(nonce)">\(StatusPageStyle.text)</style>
        </head>
        <body>
        <noscript>This page shows status.json by a script of its own, and runs no other.</noscript>
        <main>
        <header><h1 id="pool">Status</h1><p id="about"></p></header>
        <p id="trouble" role="status" hidden></p>
        <section id="tiles"></section>
        <section id="plots"></section>
        <section id="processes"></section>
        <section id="spans"></section>
        <section id="routes"></section>
        <section id="tasks"></section>
        <section id="durable"></section>
        <section id="counts"></section>
        </main>
        <script nonce="\(nonce)">\(StatusPageScript.text)</script>
        </body>
        </html>

        """
    }
}
