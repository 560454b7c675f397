import PostludeExamplePages

/// `GET /`: a button for each program, and the output of its tasks as they print it.
func home() -> ExamplePage {
    ExamplePage(
        title: "Background tasks",
        content: """
            <p>The guide’s eight programs. Each button sends a request: the answer comes at once, and the lines that the
            tasks print come after it. The times are counted from the click, in this browser.</p>
            <p><span id="connection" role="status">Connecting …</span></p>
            <div class="programs">
            \(programs.enumerated().map { $1.html(number: $0 + 1) }.joined(separator: "\n"))
            </div>
            """, style: GuidePage.style, script: GuidePage.script)
}

/// A program of the guide, as the page shows it.
private struct Program {
    /// The guide's heading.
    var title: String
    var summary: String
    var attempt: Attempt
    /// Whether it is answered 422, or fails after the response.
    var mistake: Attempt

    func html(number: Int) -> String {
        """
        <section class="card" aria-labelledby="program-\(number)">
        <h2 id="program-\(number)"><span class="muted">\(number).</span> \(HTML.escaped(title))</h2>
        <p>\(HTML.escaped(summary))</p>
        <pre>\(HTML.escaped(attempt.requestLine))</pre>
        <p class="buttons">\(attempt.button(of: title, class: "main")) \(mistake.button(of: title, class: ""))</p>
        <div class="runs" role="log" aria-label="\(HTML.escaped(title)): what happened"></div>
        </section>
        """
    }
}

/// A request that a button sends.
private struct Attempt {
    var label = "Send"
    var method = "POST"
    var path: String
    var json: String?

    var requestLine: String { "\(method) \(path)" + (json.map { "\n\($0)" } ?? "") }

    func button(of title: String, class name: String) -> String {
        let body = json.map { " data-json=\"\(HTML.escaped($0))\"" } ?? ""
        return """
            <button class="\(name)" disabled data-method="\(method)" data-path="\(HTML.escaped(path))"\(body)>\
            \(HTML.escaped(label))<span class="hidden">: \(HTML.escaped(title))</span></button>
            """
    }
}

private let programs = [
    Program(
        title: "Basic usage", summary: "An email after the answer.",
        attempt: Attempt(path: "/send?email=ada@example.org"),
        mistake: Attempt(label: "Without the address", path: "/send")),
    Program(
        title: "Adding tasks with arguments",
        summary: "Two seconds of work, with the request’s item and a priority.",
        attempt: Attempt(path: "/process/42"),
        mistake: Attempt(label: "Item “seven”", path: "/process/seven")),
    Program(
        title: "Multiple background tasks",
        summary: "Three tasks, one after another in the order in which they were added.",
        attempt: Attempt(path: "/action?user_id=7&action=login"),
        mistake: Attempt(label: "User “x”", path: "/action?user_id=x&action=login")),
    Program(
        title: "Email notifications", summary: "A welcome email after a registration.",
        attempt: Attempt(path: "/register", json: #"{"email":"ada@example.org","name":"Ada"}"#),
        mistake: Attempt(
            label: "Address “nobody”", path: "/register", json: #"{"email":"nobody","name":"Ada"}"#)),
    Program(
        title: "File processing", summary: "Five seconds of work on a file.",
        attempt: Attempt(path: "/upload?filename=report.pdf"),
        mistake: Attempt(label: "Without a name", path: "/upload")),
    Program(
        title: "Cache warming", summary: "The cache is filled after settings have changed.",
        attempt: Attempt(path: "/users/7/settings", json: #"{"theme":"dark","font_size":14}"#),
        mistake: Attempt(label: "A list", path: "/users/7/settings", json: "[1,2]")),
    Program(
        title: "Logging and analytics", summary: "Each access is logged after its answer.",
        attempt: Attempt(method: "GET", path: "/api/data?user_id=7"),
        mistake: Attempt(label: "Without a user", method: "GET", path: "/api/data")),
    Program(
        title: "Error handling",
        summary: "A task that fails changes nothing about the answer: the failure is logged.",
        attempt: Attempt(path: "/task?data=report"),
        mistake: Attempt(label: "A task that fails", path: "/task?data=")),
]
