/// A request to try on the home page: as a line for the terminal and as a button.
struct Attempt: Sendable {
    var title: String
    var path: String
    var json: String?

    func html(host: String) -> String {
        """
        <section>
        <h2>\(Self.escaped(title))</h2>
        <pre><code>\(Self.escaped(commandLine(host: host)))</code></pre>
        <button hidden data-path="\(Self.escaped(path))"\(jsonAttribute)>Try it\(hiddenTitle)</button>
        <output></output>
        </section>
        """
    }

    private func commandLine(host: String) -> String {
        let body = json.map { " -H 'Content-Type: application/json' -d '\($0)'" } ?? ""
        return "curl -i -X POST 'http://\(host)\(path)'\(body)"
    }

    private var jsonAttribute: String {
        json.map { " data-json=\"\(Self.escaped($0))\"" } ?? ""
    }

    /// For screen readers, to which five buttons with one name would be all the same.
    private var hiddenTitle: String {
        "<span class=\"hidden\">: \(Self.escaped(title))</span>"
    }

    /// The host is the client's own word: nothing in it may become markup.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }
}
