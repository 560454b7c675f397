import Postlude
import PostludeExamplePages

struct Visitor: Decodable {
    /// HTTP/1.0 sends none.
    var host: String?
}

/// `GET /`: the requests to try.
func home(visitor: Header<Visitor>) -> ExamplePage {
    let host = visitor.host ?? "127.0.0.1:8080"
    return ExamplePage(
        title: "Notifications",
        content: """
            <p>Each request is answered at once. Its tasks (a mail, some work, a count) run after the answer,
            on the worker that gave it. Watch the log while you try them.</p>
            <p>Actions performed so far: <strong>\(statistics.actions)</strong></p>
            \(attempts.map { $0.html(host: host) }.joined(separator: "\n"))
            """, style: "output { display: block; margin-top: .75rem } output:empty { display: none }",
        script: script)
}

private let attempts = [
    Attempt(title: "Send a notification", path: "/send?email=ada@example.org"),
    Attempt(title: "Process an item", path: "/process/7"),
    Attempt(title: "Perform an action: three tasks, in order", path: "/action"),
    Attempt(
        title: "Register", path: "/register", json: #"{"name": "Ada Lovelace", "email": "ada@example.org"}"#),
    Attempt(
        title: "Register with a wrong address", path: "/register", json: #"{"name": "Ada", "email": "ada"}"#),
]

private let script = """
    for (const button of document.querySelectorAll("button")) {
      button.hidden = false
      button.onclick = async () => {
        const output = button.nextElementSibling
        const { path, json } = button.dataset
        const headers = json ? { "Content-Type": "application/json" } : {}
        const start = performance.now()
        try {
          const answer = await fetch(path, { method: "POST", headers, body: json })
          const text = await answer.text()
          output.textContent = `${answer.status} after ${Math.round(performance.now() - start)} ms: ${text}`
        } catch (error) {
          output.textContent = `No answer: ${error.message}`
        }
      }
    }
    """
