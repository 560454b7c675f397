import PostludeExamplePages

/// A request to try on the home page, as a command for the terminal and as a button.
struct Attempt: Sendable {
    var title: String
    var path: String
    var json: String?

    /// - Parameter host: the host name that the client sent.
    func html(host: String) -> String {
        """
        <section class="card">
        <h2>\(HTML.escaped(title))</h2>
        <pre><code>\(HTML.escaped(commandLine(host: host)))</code></pre>
        <button hidden data-path="\(HTML.escaped(path))"\(jsonAttribute)>Try it\(hiddenTitle)</button>
        <output></output>
        </section>
        """
    }

    private func commandLine(host: String) -> String {
        let body = json.map { " -H 'Content-Type: application/json' -d '\($0)'" } ?? ""
        return "curl -i -X POST 'http://\(host)\(path)'\(body)"
    }

    private var jsonAttribute: String {
        json.map { " data-json=\"\(HTML.escaped($0))\"" } ?? ""
    }

    /// For screen readers, to which five buttons with one name would be the same.
    private var hiddenTitle: String {
        "<span class=\"hidden\">: \(HTML.escaped(title))</span>"
    }
}
