import Foundation
import Testing

@Suite("The page of the analytics example, in Chromium")
struct AnalyticsPageTests {
    private static let bars = "document.querySelectorAll('svg rect.answered').length"

    private static func run(_ body: (NginxServer, String) throws -> Void) throws {
        let folder = try TestFolder()
        let example = Example(
            name: "analytics", environment: ["ANALYTICS_DATABASE": folder.file("analytics.sqlite")])
        try example.run(in: folder) { _, nginx in try body(nginx, "http://127.0.0.1:\(nginx.port)/") }
    }

    @Test("The plot has bars after accesses, errors above the others, and none before")
    func plot() throws {
        try Self.run { nginx, url in
            let empty = try Browser.dom(of: url)
            #expect(empty.contains("<svg") && empty.contains("No access yet"))
            #expect(!empty.contains("rect class=\"answered\""))
            let client = try nginx.client()
            for _ in 1...3 { _ = try client.ask("GET", "/api/data") }
            _ = try client.ask("GET", "/api/data?series=rain")
            try waitUntil("four accesses are logged") {
                try client.ask("GET", "/api/stats").text.contains("\"requests\":4")
            }
            try Browser.open(url) { page in
                let figures = try page.evaluate("requests.textContent + ' ' + errors.textContent")
                #expect(figures == "4 1")
                #expect(
                    ["1", "2"].contains(try page.evaluate(Self.bars)), "one minute, or a minute's change")
                #expect(try page.evaluate("document.querySelectorAll('svg rect.failed').length") == "1")
                let height = "document.querySelector('svg rect.answered').getBoundingClientRect().height > 20"
                #expect(try page.evaluate(height) == "true", "a bar that can be seen")
            }
        }
    }

    @Test("The button makes a request, and the page shows it without a reload")
    func button() throws {
        try Self.run { _, url in
            try Browser.open(url) { page in
                #expect(try page.evaluate(Self.bars) == "0")
                try page.evaluate("window.isSamePage = true")
                try page.evaluate("document.querySelector('.try button').click()")
                try page.wait(for: "document.querySelector('#requests').textContent == '1'")
                #expect(try page.evaluate(Self.bars) == "1")
                #expect(try page.evaluate("window.isSamePage") == "true")
            }
        }
    }

    @Test("Text that clients send is shown as text, never as markup")
    func escaping() throws {
        try Self.run { nginx, url in
            let agent =
                #"<img src=x onerror="document.title='taken'"></small><script>document.title='taken'</script>"#
            _ = try nginx.client().ask("GET", "/api/data", fields: ["User-Agent: \(agent)"])
            try Browser.open(url) { page in
                try page.wait(for: "document.querySelectorAll('li').length == 1")
                #expect(try page.evaluate("document.querySelector('li small').textContent") == agent)
                #expect(try page.evaluate("document.images.length + ' ' + document.scripts.length") == "0 1")
                #expect(try page.evaluate("document.title") == "Analytics: a Postlude example")
            }
        }
    }

    @Test(
        "It fits a phone's width, has dark colours, and loads nothing from elsewhere", arguments: [390, 1280])
    func appearance(width: Int) throws {
        try Self.run { nginx, url in
            _ = try nginx.client().ask(
                "GET", "/api/data", fields: ["User-Agent: \(String(repeating: "x", count: 200))"])
            let color = "getComputedStyle(document.documentElement).getPropertyValue('--answered')"
            let colors = try [false, true].map { isDark in
                try Browser.open(url, width: width, isDark: isDark) { page in
                    try page.wait(for: "document.querySelectorAll('li').length == 1")
                    #expect(try page.evaluate("innerWidth") == "\(width)")
                    #expect(try page.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true")
                    #expect(try page.foreignResources() == "")
                    return try page.evaluate(color)
                }
            }
            #expect(colors.first != colors.last, "\(colors)")
        }
    }
}
