import Testing

@Suite("The status page in a browser", .timeLimit(.minutes(10)))
struct StatusPageTests {
    private static func run(_ body: (Server, NginxServer) throws -> Void) throws {
        try StatusTests.run { server, status in
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

    @Test("On a phone nothing is wider than the window, in light and dark", arguments: [false, true])
    func phone(isDark: Bool) throws {
        try Self.run { server, nginx in
            let peer = try server.peer()
            let long = String(repeating: "abcdefghij", count: 12)
            try peer.send(RawRequest("GET", "/slow?gate=go&name=\(long)"))
            _ = try server.folder.events(reaches: 1)
            _ = try server.ask(RawRequest("GET", "/steps?label=x"))
            try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status", width: 360, isDark: isDark) {
                page in
                try page.wait(for: "document.body.innerText.includes('/slow?gate=go&name=abcdefghij')")
                #expect(try page.evaluate("document.documentElement.scrollWidth") == "360")
                let wide = try page.evaluate(
                    """
                    [...document.querySelectorAll('main *')].filter(one => \
                    one.getBoundingClientRect().right > 361).map(one => one.outerHTML.slice(0, 200)).join('\\n')
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
                try page.wait(for: "document.querySelectorAll('.plot .curve[points]').length == 3")
                try page.wait(for: "document.querySelectorAll('.state.idle').length == 2")
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
                    "document.querySelector('.green .curve').getAttribute('points')")
                try page.wait(
                    for: "document.querySelector('.green .curve').getAttribute('points') != '\(points)'")
                try server.folder.open(gate: "go")
                #expect(try peer.reply().text == "slow")
                try page.wait(for: "document.querySelectorAll('.state.idle').length == 2")
                #expect(try page.evaluate("window.unloaded") == "true")
                #expect(try page.evaluate("document.getElementById('error').hidden") == "true")
            }
        }
    }
}
