import Foundation
import Testing

@Suite("The status page in a browser", .timeLimit(.minutes(10)))
struct StatusPageTests {
    private static func run(
        _ settings: String = "workers: { min: 2, max: 2, reserved-for-requests: 0 }",
        isSupervised: Bool = false, ending: Server.Ending = .clean,
        _ body: (Server, NginxServer) throws -> Void
    ) throws {
        try StatusTests.run(settings, isSupervised: isSupervised, ending: ending) { server, status in
            try NginxServer.run(to: server, locations: locations(of: status)) { try body(server, $0) }
        }
    }

    static func locations(of status: Endpoint) -> String {
        """
        location / { @pass@ }
        location /internal/ {
            fastcgi_pass unix:\(status);
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param REQUEST_URI $request_uri;
        }
        """
    }

    @Test("Behind an nginx location with a prefix, every page is available")
    func location() throws {
        try Self.run { _, nginx in
            let client = try nginx.client()
            #expect(try client.ask("GET", "/internal/ping").text == "pong")
            for page in ["status", "status.json", "metrics"] {
                #expect(try client.ask("GET", "/internal/\(page)").status == 200, "\(page)")
            }
            #expect(try client.ask("GET", "/hello").text == "hello")
        }
    }

    @Test(
        "On the narrowest phone nothing is wider than the window, in light and dark",
        arguments: [false, true])
    func phone(isDark: Bool) throws {
        try Self.run { server, nginx in
            let peer = try server.peer()
            let long = String(repeating: "abcdefghij", count: 12)
            try peer.send(RawRequest("GET", "/slow?gate=go&name=\(long)"))
            _ = try server.folder.events(reaches: 1)
            _ = try server.ask(RawRequest("GET", "/steps?label=x"))
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status", width: 320, isDark: isDark) {
                page in
                try page.wait(for: "document.body.innerText.includes('/slow?gate=go&name=abcdefghij')")
                #expect(try page.evaluate("document.documentElement.scrollWidth") == "320")
                let wide = try page.evaluate(
                    """
                    [...document.querySelectorAll('main *')].filter(one => \
                    one.getBoundingClientRect().right > 321 && !one.closest('.unseen, thead')).map(one => one.outerHTML.slice(0, 200)).join('\\n')
                    """)
                #expect(wide.isEmpty, "\(wide)")
                let colour = try page.evaluate("getComputedStyle(document.body).backgroundColor")
                #expect(colour == (isDark ? "rgb(18, 22, 30)" : "rgb(245, 246, 249)"))
            }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
        }
    }

    @Test(
        "It is live: figures, workers and plots update without a reload, and an unreachable server is shown as such"
    )
    func live() throws {
        try Self.run { server, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: "document.querySelectorAll('.plot .curve[d]').length == 9")
                try page.wait(for: Self.shows("2 idle workers", in: "processes"))
                for text in ["last minute", "last 5 minutes", "since the start", "p99"] {
                    try page.wait(for: "document.getElementById('spans').innerText.includes('\(text)')")
                }
                try page.wait(for: "document.getElementById('routes').innerText.includes('/hello')")
                try page.evaluate("void (window.unloaded = true)")
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go"))
                _ = try server.folder.events(reaches: 1)
                try page.wait(for: "document.querySelectorAll('.state.handling').length == 1")
                let points = try page.evaluate(
                    "document.querySelector('.curve.green').getAttribute('d')")
                try page.wait(
                    for: "document.querySelector('.curve.green').getAttribute('d') != '\(points)'")
                try server.folder.open(gate: "go")
                #expect(try peer.reply().text == "slow")
                try page.wait(for: Self.shows("2 idle workers", in: "processes"))
                #expect(try page.evaluate("window.unloaded") == "true")
                #expect(try page.evaluate("document.getElementById('error').hidden") == "true")
            }
        }
    }

    @Test(
        "The plots show five minutes, an hour or a day, by keyboard as well, and say in words what has happened"
    )
    func history() throws {
        try Self.run { server, nginx in
            for _ in 1...3 { #expect(try nginx.client().ask("GET", "/hello").status == 200) }
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(
                    for: "(document.querySelector('.curve.blue').getAttribute('d') || '').length > 6")
                try page.wait(for: Self.shows("started", in: "marks"))
                #expect(try page.evaluate("document.querySelectorAll('.marks[d^=M]').length") == "6")
                let label = "document.querySelector('.plot svg').ariaLabel"
                #expect(try page.evaluate(label).hasPrefix("Requests per s in the last 5 minutes: now "))
                let pressed =
                    "[...document.querySelectorAll('#span button')].map(one => one.ariaPressed).join()"
                #expect(try page.evaluate(pressed) == "true,false,false")
                for (place, text, state) in [(1, "hour", "false,true,false"), (2, "day", "false,false,true")]
                {
                    try page.evaluate("void document.querySelectorAll('#span button')[\(place)].focus()")
                    try page.evaluate("void document.activeElement.click()")
                    #expect(try page.evaluate(label).contains("in the last \(text): "))
                    #expect(try page.evaluate(pressed) == state)
                }
                // Figures of processes, and of what has taken the time.
                try page.wait(for: Self.shows(" MiB", in: "processes"))
                try page.wait(for: Self.shows("Share of time", in: "routes"))
                // The browser remembers the span.
                try page.load("http://127.0.0.1:\(nginx.port)/internal/status?again")
                try page.wait(for: "\(pressed) == 'false,false,true'")
                // It asks only for what it does not have.
                try page.wait(
                    for: "performance.getEntriesByType('resource').some(one => one.name.includes('&after='))")
            }
        }
    }

    private static func shows(_ text: String, in section: String) -> String {
        "document.getElementById('\(section)').innerText.includes('\(text)')"
    }

    @Test("What is wrong comes first, in words and in colour, and in the tab's title and icon")
    func problems() throws {
        try Self.run { server, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: "document.documentElement.dataset.state == 'fine'")
                try page.wait(for: Self.shows("No problems", in: "problems"))
                #expect(try page.evaluate("document.title.endsWith(' – status')") == "true")
                let icon = "document.querySelector('link[rel=icon]').href"
                let colour = "getComputedStyle(document.querySelector('#problems li')).color"
                let (fineIcon, fineColour) = (try page.evaluate(icon), try page.evaluate(colour))
                #expect(fineIcon.hasPrefix("data:image/svg+xml,"))
                #expect(try server.ask(RawRequest("GET", "/boom")).status == 500)
                try page.wait(
                    for: Self.shows(" % of the responses of the last minute are 5xx: 1 of ", in: "problems"))
                #expect(
                    try page.evaluate("document.getElementById('problems').innerText").hasPrefix("Error: "))
                #expect(try page.evaluate("document.title").hasPrefix("✖ 1 problem – "))
                #expect(try page.evaluate("document.documentElement.dataset.state") == "error")
                #expect(try page.evaluate(icon) != fineIcon)
                #expect(try page.evaluate(colour) != fineColour)
                #expect(
                    try page.evaluate("document.getElementById('announcement').textContent")
                        .hasPrefix("1 problem: "))
                // Above everything else.
                let bottom = "document.getElementById('problems').getBoundingClientRect().bottom"
                let top = "document.getElementById('tiles').getBoundingClientRect().top"
                #expect(try page.evaluate("\(bottom) <= \(top) && \(bottom) < 120") == "true")
            }
        }
    }

    /// The text as a string of JavaScript.
    private static func quoted(_ text: String) throws -> String {
        String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
    }

    private static let problemColour = "getComputedStyle(document.querySelector('#problems li')).color"

    @Test("Text stays selected, and the keyboard's focus stays where it is, while figures change")
    func selection() throws {
        try Self.run { server, nginx in
            let peer = try server.peer()
            try peer.send(
                RawRequest("GET", "/slow?gate=go").with { $0.parameters = [("REQUEST_ID", "chosen-1")] })
            _ = try server.folder.events(reaches: 1)
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: Self.shows("chosen-1", in: "workers"))
                try page.evaluate(
                    """
                    (() => {
                      const text = document.querySelector('#workers td:last-child .soft').firstChild;
                      const range = document.createRange();
                      range.setStart(text, text.data.indexOf('chosen-1'));
                      range.setEnd(text, text.data.indexOf('chosen-1') + 8);
                      getSelection().removeAllRanges();
                      getSelection().addRange(range);
                      document.querySelector('summary').focus();
                      window.focused = document.activeElement;
                    })()
                    """)
                let requests = try page.evaluate("document.getElementById('spans').innerText")
                for number in 1...3 { _ = try server.ask(RawRequest("GET", "/hello?\(number)")) }
                let since = try page.evaluate(
                    "document.querySelector('#workers td.number:nth-child(4)').innerText")
                try page.wait(
                    for: "document.querySelector('#workers td.number:nth-child(4)').innerText != '\(since)'")
                try page.wait(
                    for: "document.getElementById('spans').innerText != \(try Self.quoted(requests))")
                #expect(try page.evaluate("getSelection().toString()") == "chosen-1")
                #expect(
                    try page.evaluate(
                        "window.focused.isConnected && document.activeElement == window.focused")
                        == "true")
            }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
        }
    }

    @Test("With 256 workers the page is as long as with two, and shows the busy ones first")
    func manyWorkers() throws {
        func height(_ workers: Int) throws -> Int {
            var height = 0
            try Self.run("workers: { min: \(workers), max: \(workers), reserved-for-requests: 0 }") {
                server, nginx in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go"))
                _ = try server.folder.events(reaches: 1)
                try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status", height: 800) { page in
                    try page.wait(for: Self.shows("\(workers - 1) idle worker", in: "processes"))
                    #expect(try page.evaluate("document.querySelectorAll('#workers tbody tr').length") == "1")
                    let bottom = "document.getElementById('workers').getBoundingClientRect().bottom"
                    #expect(try page.evaluate("\(bottom) < 800") == "true")
                    height = Int(try page.evaluate("document.documentElement.scrollHeight")) ?? 0
                }
                try server.folder.open(gate: "go")
                #expect(try peer.reply().text == "slow")
            }
            return height
        }
        let (few, many) = (try height(2), try height(256))
        #expect(few == many && few > 0)
    }

    @Test("Of many busy workers the page shows some, and all of them at the press of a button")
    func manyBusyWorkers() throws {
        try Self.run("workers: { min: 12, max: 12, reserved-for-requests: 0 }") { server, nginx in
            let peers = try (1...10).map { number in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go&name=\(number)"))
                return peer
            }
            _ = try server.folder.events(reaches: 10)
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                let rows = "document.querySelectorAll('#workers tbody tr').length"
                try page.wait(for: "\(rows) == 6")
                #expect(
                    try page.evaluate("document.querySelector('#workers .more').textContent")
                        == "Show all 10 busy workers")
                try page.evaluate("void document.querySelector('#workers .more').click()")
                #expect(try page.evaluate(rows) == "10")
            }
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "slow") }
        }
    }

    @Test("If the server does not answer, the figures are grey, with the time at which they were seen")
    func stale() throws {
        try Self.run { _, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: "document.documentElement.dataset.state == 'fine'")
                let colour = "getComputedStyle(document.querySelector('.tile b')).color"
                let black = try page.evaluate(colour)
                try page.evaluate(
                    "void (window.kept = window.fetch, window.fetch = async () => { throw new Error('it is gone'); })"
                )
                try page.wait(for: "document.documentElement.dataset.state == 'unknown'")
                let text = try page.evaluate("document.getElementById('error').innerText")
                #expect(
                    text.wholeMatch(
                        of: #/No answer: it is gone\. The figures are of \d\d:\d\d:\d\d UTC\. Trying again\./#
                    )
                        != nil, "\(text)")
                #expect(try page.evaluate(colour) != black)
                #expect(try page.evaluate("document.title").hasPrefix("? no answer – "))
                try page.evaluate("void (window.fetch = window.kept)")
                try page.wait(for: "document.documentElement.dataset.state == 'fine'")
                #expect(try page.evaluate(colour) == black)
                #expect(try page.evaluate("document.getElementById('error').hidden") == "true")
            }
        }
    }

    @Test("Times are in UTC, or in the browser's time zone, which the browser remembers")
    func times() throws {
        try Self.run { _, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: Self.shows(" UTC", in: "about"))
                try page.evaluate("void document.getElementById('zone').click()")
                #expect(try page.evaluate(Self.shows("GMT", in: "about")) == "true")
                try page.load("http://127.0.0.1:\(nginx.port)/internal/status?again")
                try page.wait(for: Self.shows("GMT", in: "about"))
                #expect(try page.evaluate("document.getElementById('zone').ariaPressed") == "true")
                let shown = try page.evaluate(
                    "[0.0000004, 0.0009996, 0.0125, 0.9996, 99.96, 119.4, 119.6, 7140, 7199.6, 180000].map(time).join('|')"
                )
                #expect(
                    shown
                        == "0 µs|1 ms|12.5 ms|1 s|100 s|119 s|2 min 0 s|1 h 59 min|2 h 0 min|2 days 2 h")
            }
        }
    }

    @Test(
        "Characters that turn the text around them are shown by their numbers, and a cut URI ends in an ellipsis"
    )
    func strangeText() throws {
        try Self.run { server, nginx in
            let peer = try server.peer()
            try peer.send(
                RawRequest("GET", "/slow?gate=go&name=\u{202e}" + String(repeating: "x", count: 200)))
            _ = try server.folder.events(reaches: 1)
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: "document.querySelector('#workers code') != null")
                let text = try page.evaluate("document.querySelector('#workers code').textContent")
                #expect(text.hasPrefix("GET /slow?gate=go&name=\\u202exx") && text.hasSuffix("x…"), "\(text)")
            }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
        }
    }

    @Test(
        "axe-core finds nothing, in light and dark, wide and narrow", arguments: [(1280, false), (320, true)])
    func accessibility(width: Int, isDark: Bool) throws {
        let script = try AxeCore.script()
        try Self.run { server, nginx in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/slow?gate=go"))
            _ = try server.folder.events(reaches: 1)
            _ = try server.ask(RawRequest("GET", "/boom"))
            _ = try server.ask(RawRequest("GET", "/steps?label=x"))
            try Browser.open(
                "http://127.0.0.1:\(nginx.port)/internal/status", width: width, isDark: isDark
            ) { page in
                try page.wait(for: "document.documentElement.dataset.state == 'error'")
                try page.wait(for: Self.shows("/slow?gate=go", in: "workers"))
                #expect(try AxeCore.violations(in: page, script) == "")
            }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
        }
    }

    @Test("A hidden tab asks seldom, and at once when it is shown again")
    func hidden() throws {
        try Self.run { _, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status") { page in
                try page.wait(for: "document.documentElement.dataset.state == 'fine'")
                try page.evaluate(
                    """
                    void (window.delays = [], window.later = window.setTimeout, window.isAway = true,
                      window.setTimeout = (work, delay) => { delays.push(delay); return later(work, delay); },
                      Object.defineProperty(document, 'hidden', { get: () => isAway }))
                    """)
                try page.wait(for: "delays.includes(15000)")
                try page.evaluate(
                    "void (isAway = false, document.dispatchEvent(new Event('visibilitychange')))")
                try page.wait(for: "delays.at(-1) == 1000")
            }
        }
    }
}
