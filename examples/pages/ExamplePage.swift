public import Postlude

/// A page of an example: one file, which loads nothing from elsewhere.
public struct ExamplePage: ResponseConvertible {
    /// The page's title, in its heading and in the browser's tab.
    public var title: String
    /// The HTML below the heading.
    public var content: String
    /// Style rules in addition to the common ones.
    public var style: String
    /// JavaScript, run when the page has loaded.
    public var script: String

    public init(title: String, content: String, style: String = "", script: String) {
        self.title = title
        self.content = content
        self.style = style
        self.script = script
    }

    public var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTML.escaped(title)): a Postlude example</title>
        <link rel="icon" href="data:,">
        <style>
        \(Self.commonStyle)
        \(style)
        </style>
        </head>
        <body>
        <main>
        <h1>\(HTML.escaped(title))</h1>
        \(content)
        </main>
        <footer><a href="docs">The API</a> <a href="-/status">The server’s status</a></footer>
        <script>
        \(script)
        </script>
        </body>
        </html>

        """
    }

    public func response() -> Response {
        var response = Response.html(html)
        // If a client's text became markup after all, the page would still load nothing from another site,
        // and send nothing to it.
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
            + "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        response.headers[.cacheControl] = "no-store"
        return response
    }

    public static var answers: [OperationDescription.ResponseDescription] {
        [.init(.ok, "The page.", content: [.init("text/html", schema: Schema(of: String.self))])]
    }
}
