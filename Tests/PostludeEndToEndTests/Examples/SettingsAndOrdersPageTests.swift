import Foundation
import Testing

@Suite("The pages of the settings and orders examples, in Chromium")
struct SettingsAndOrdersPageTests {
    private static func open(
        _ name: String, width: Int = 1280, isDark: Bool = false, _ body: (BrowserPage) throws -> Void
    ) throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("state"), withIntermediateDirectories: true)
        let environment = [
            "SETTINGS_DATABASE": folder.file("settings.sqlite"), "STATE_DIRECTORY": folder.file("state"),
            "MAIL_FOLDER": folder.file("mail"),
        ]
        try Example(name: name, environment: environment).run(in: folder) { _, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/", width: width, isDark: isDark) { try body($0) }
        }
    }

    @Test("Settings are saved and read from the cache, and a mistake is shown")
    func settings() throws {
        try Self.open("settings") { page in
            let newest = "document.querySelector('#answers li:first-child')?.textContent ?? ''"
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "(\(newest)).includes('Settings saved')")
            // The cache is filled after the response. The next read starts when the last one is answered: a late answer would
            // be the newest after the refusal.
            try page.wait(
                for: """
                    (() => {
                        const item = document.querySelector('#answers li:first-child')
                        if (item.textContent.includes('"source":"cache"')) return true
                        if (item != window.answered) document.querySelector('#read').click()
                        window.answered = item
                        return false
                    })()
                    """)
            try page.evaluate("document.querySelector('#language').value = '?'")
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "(\(newest)).includes('a language is written like')")
            #expect(
                try page.evaluate("document.querySelector('#answers li:first-child span').className")
                    == "failed")
        }
    }

    @Test("An order is placed once, however often it is sent, and the page follows its tasks to their end")
    func orders() throws {
        try Self.open("orders") { page in
            let id = try page.evaluate("document.querySelector('#id').value")
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "document.querySelector('#message').textContent == '202: accepted'")
            let states =
                "[...document.querySelectorAll('tbody td:nth-child(2)')].map(cell => cell.textContent)"
            try page.wait(for: "\(states).join() == 'done,done,done'")
            #expect(try page.evaluate("document.querySelector('h3').textContent") == "Order \(id)")
            #expect(
                try page.evaluate("document.querySelector('tbody td:last-child').textContent") == "charge 1")
            // It has asked once, and then one stream has told it everything. The browser stays away when that has ended.
            try page.wait(for: "followed.size == 0")
            let asked = "performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
            #expect(try page.evaluate("\(asked).filter(path => path == '/orders/\(id)').length") == "1")
            try page.evaluate("document.querySelector('#id').value = '\(id)'")
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "document.querySelector('#message').textContent.startsWith('200')")
            try page.evaluate("document.querySelector('#id').value = 'a b'")
            try page.evaluate("document.querySelector('form button').click()")
            try page.wait(for: "document.querySelector('#message').className == 'failed'")
            #expect(try page.evaluate("document.querySelector('#message').textContent").contains("id: "))
        }
    }

    @Test(
        "They fit a phone's width, have dark colours and names, and load nothing from elsewhere",
        arguments: ["settings", "orders"], [390, 1280])
    func appearance(name: String, width: Int) throws {
        let colors = try [false, true].map { isDark in
            var color = ""
            try Self.open(name, width: width, isDark: isDark) { page in
                try page.evaluate("document.querySelector('form button').click()")
                try page.wait(for: "document.querySelectorAll('li').length == 1")
                #expect(try page.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true")
                let fields = "[...document.querySelectorAll('input, select')]"
                #expect(try page.evaluate("\(fields).filter(field => !field.labels.length).length") == "0")
                #expect(try page.foreignResources() == "")
                color = try page.evaluate("getComputedStyle(document.body).backgroundColor")
            }
            return color
        }
        #expect(colors.first != colors.last, "\(colors)")
    }

    @Test(
        "Every example describes its API and shows its status",
        arguments: ["guide", "notifications", "uploads", "settings", "analytics", "orders", "exports"])
    func pages(name: String) throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("state"), withIntermediateDirectories: true)
        let environment = [
            "SETTINGS_DATABASE": folder.file("settings.sqlite"),
            "ANALYTICS_DATABASE": folder.file("analytics.sqlite"), "STATE_DIRECTORY": folder.file("state"),
            "EXPORTS_ROWS": "10",
        ]
        try Example(name: name, environment: environment).run(in: folder) { _, nginx in
            let client = try nginx.client()
            let home = try client.ask("GET", "/")
            #expect(home.status == 200 && home.text.contains("</html>"))
            let docs = try client.ask("GET", "/docs")
            #expect(docs.status == 200 && docs.text.contains("</html>"))
            #expect(try client.ask("GET", "/openapi.json").text.contains("\"openapi\":\"3.1"))
            // The tests' nginx may run as another user than the socket's owner.
            #expect(FileManager.default.fileExists(atPath: folder.file("status.sock")))
        }
    }
}
