import Foundation
import Testing

@Suite("The page of the exports example, in Chromium")
struct ExportsPageTests {
    /// - Parameter rowsPerSecond: 0 for as fast as possible; with 1 an export writes its first 10,000 rows and then waits.
    private static func open(
        rowsPerSecond: Int, width: Int = 1280, isDark: Bool = false, isSupervised: Bool = false,
        _ body: (BrowserPage, TestFolder, Server) throws -> Void
    ) throws {
        let folder = try TestFolder()
        let environment = [
            "STATE_DIRECTORY": folder.path, "EXPORTS_ROWS": "20000",
            "EXPORTS_ROWS_PER_SECOND": "\(rowsPerSecond)",
        ]
        let example = Example(name: "exports", environment: environment, isSupervised: isSupervised)
        try example.run(in: folder) { server, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/", width: width, isDark: isDark) { page in
                try body(page, folder, server)
            }
        }
    }

    @Test("The bar shows how far an export is, and the button cancels it")
    func cancelled() throws {
        try Self.open(rowsPerSecond: 1) { page, folder, _ in
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "document.querySelector('li progress')?.value == 0.5")
            #expect(try page.evaluate("document.querySelector('.rows').textContent") == "10000 rows")
            #expect(try page.evaluate("document.querySelector('li a').hidden") == "true")
            #expect(folder.exists("files/export-1.csv.part"))
            try page.evaluate("document.querySelector('li button').click()")
            try page.wait(for: "document.querySelector('.state').textContent == 'Cancelled'")
            #expect(try page.evaluate("document.querySelector('li button').hidden") == "true")
            try waitUntil("the file is removed") { !folder.exists("files/export-1.csv.part") }
            // Another customer's list is empty.
            try page.evaluate("document.querySelector('#customer').value = 8")
            try page.evaluate("document.querySelector('#customer').onchange()")
            try page.wait(for: "document.querySelector('section').hidden")
        }
    }

    @Test("After kill -9 the page follows the export in the next process, where it goes on from where it was")
    func killed() throws {
        try Self.open(rowsPerSecond: 1, isSupervised: true) { page, folder, server in
            try page.evaluate("window.isSamePage = true")
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "document.querySelector('li progress')?.value == 0.5")
            #expect(try page.evaluate("document.querySelector('.state').textContent") == "Running")
            let processes = server.children
            #expect(processes.count == 1)
            for process in processes { kill(process, SIGKILL) }
            // The next attempt writes its first 10,000 rows at once, as each does: they are the last ones.
            try page.wait(for: "document.querySelector('.state').textContent == 'Complete'")
            #expect(try page.evaluate("document.querySelector('.rows').textContent") == "20000 rows")
            #expect(try page.evaluate("document.querySelector('li a').hidden") == "false")
            #expect(try page.evaluate("window.isSamePage") == "true")
            #expect(folder.text("files/export-1.csv").split(separator: "\n").count == 20_001)
        }
    }

    @Test(
        "A complete export can be downloaded; the page fits a phone's width, and everything in it has a name")
    func complete() throws {
        let axe = try AxeCore.script()
        let colors = try [false, true].map { isDark in
            var color = ""
            try Self.open(rowsPerSecond: 0, width: 390, isDark: isDark) { page, _, _ in
                try page.evaluate("document.querySelector('form button').click()")
                try page.wait(for: "document.querySelector('.state')?.textContent == 'Complete'")
                #expect(
                    try page.evaluate("document.querySelector('#message').textContent")
                        == "Export 1 is ordered.")
                #expect(try page.evaluate("document.querySelector('.rows').textContent") == "20000 rows")
                // The list was asked for when the page was opened and after the order; one stream has told the rest.
                let asked =
                    "performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
                #expect(try page.evaluate("\(asked).filter(path => path.endsWith('/exports')).length") == "3")
                let link = "document.querySelector('li a:not([hidden])').href"
                let lines =
                    "fetch(\(link)).then(answer => answer.text()).then(text => text.split('\\n').length)"
                #expect(try page.evaluate(lines) == "20002")
                #expect(try page.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true")
                #expect(try AxeCore.violations(in: page, axe) == "")
                #expect(try page.foreignResources() == "")
                color = try page.evaluate("getComputedStyle(document.body).backgroundColor")
            }
            return color
        }
        #expect(colors.first != colors.last, "\(colors)")
    }
}
