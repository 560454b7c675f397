import Postlude

struct Visitor: Decodable {
    /// HTTP/1.0 sends none.
    var host: String?
}

/// `GET /`: what there is to try. The page is one file, without anything from elsewhere.
func home(visitor: Header<Visitor>) -> Response {
    .html(homePage(host: visitor.host ?? "127.0.0.1:8080", actions: statistics.actions))
}

func homePage(host: String, actions: Int) -> String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Notifications: a Postlude example</title>
    <style>\(style)</style>
    </head>
    <body>
    <main>
    <h1>Notifications</h1>
    <p>Each request is answered at once. Its tasks (a mail, some work, a count) run after the answer,
    on the worker that gave it. Watch the log while you try them.</p>
    <p>Actions performed so far: <strong>\(actions)</strong></p>
    \(attempts.map { $0.html(host: host) }.joined(separator: "\n"))
    </main>
    <script>\(script)</script>
    </body>
    </html>

    """
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

private let style = """
    :root { color-scheme: light dark; --line: #8886; --accent: #0b57a4 }
    @media (prefers-color-scheme: dark) { :root { --accent: #8cc2ff } }
    * { box-sizing: border-box }
    body { font: 1.0625rem/1.55 system-ui, sans-serif; margin: 0; padding: 1.25rem }
    main { max-width: 42rem; margin: 0 auto }
    h1 { font-size: 1.8rem; line-height: 1.2; margin: .5rem 0 }
    h2 { font-size: 1.1rem; margin: 0 0 .5rem }
    section { border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; margin: 1rem 0 }
    pre { margin: 0 0 .75rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9rem }
    button { font: inherit; color: inherit; background: none; border: 2px solid var(--accent);
             border-radius: .5rem; padding: .5rem 1.1rem; min-height: 2.75rem; cursor: pointer }
    button:hover { color: var(--accent) }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
    output { display: block; margin-top: .75rem; font: .9rem/1.5 ui-monospace, monospace;
             overflow-wrap: anywhere }
    output:empty { display: none }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
    """

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
