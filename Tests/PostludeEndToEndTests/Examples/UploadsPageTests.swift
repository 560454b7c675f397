import Foundation
import Testing

@Suite("The page of the uploads example, in Chromium")
struct UploadsPageTests {
    private static func run(
        width: Int = 1280, isDark: Bool = false, _ body: (BrowserPage, TestFolder) throws -> Void
    ) throws {
        let folder = try TestFolder()
        try example(in: folder).run(in: folder) { _, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/", width: width, isDark: isDark) { page in
                try body(page, folder)
            }
        }
    }

    private static func example(in folder: TestFolder, isSupervised: Bool = false) -> Example {
        Example(
            name: "uploads", environment: ["STATE_DIRECTORY": folder.path], isSupervised: isSupervised)
    }

    /// Fills in the form as a user does, and waits until the upload's tasks have ended.
    private static func upload(
        _ bytes: [UInt8], named name: String, title: String, on page: BrowserPage, in folder: TestFolder
    ) throws {
        try send(bytes, named: name, title: title, on: page, in: folder)
        try page.wait(for: "document.querySelector('li .state').textContent != 'Working on it …'")
    }

    private static func send(
        _ bytes: [UInt8], named name: String, title: String, on page: BrowserPage, in folder: TestFolder
    ) throws {
        let file = folder.file(name)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let before = try page.evaluate("document.querySelectorAll('li').length")
        let text = try #require(String(data: JSONEncoder().encode(title), encoding: .utf8))
        try page.evaluate("document.querySelector('#title').value = \(text)")
        try page.choose(files: [file], in: "#file")
        try page.evaluate("document.querySelector('button').click()")
        try page.wait(for: "document.querySelectorAll('li').length == \(before) + 1")
    }

    private static func text(_ selector: String, on page: BrowserPage) throws -> String {
        try page.evaluate("document.querySelector('\(selector)').textContent")
    }

    @Test(
        "An uploaded image gets its checksum and its thumbnail without a reload")
    func image() throws {
        try Self.run { page, folder in
            try page.evaluate("window.isSamePage = true")
            let title = #"<b>"Sea" & sand</b>"#
            try Self.upload(UploadsSamples.png, named: "sea.png", title: title, on: page, in: folder)
            #expect(try Self.text("li .state", on: page) == "Done")
            #expect(try Self.text("li h3", on: page) == title)
            #expect(try Self.text("li .filename", on: page) == "sea.png")
            #expect(try Self.text("li .size", on: page) == "359 bytes")
            #expect(try Self.text("li .sha256", on: page).count == 64)
            try page.wait(for: "document.querySelector('li img').naturalWidth == 320")
            #expect(try page.evaluate("document.querySelector('li img').alt") == "Thumbnail of \(title)")
            #expect(try page.evaluate("document.querySelector('#title').value") == "")
            #expect(try page.evaluate("window.isSamePage") == "true")
            // One stream has told both results.
            let asked = "performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
            #expect(try page.evaluate("\(asked).filter(path => path.endsWith('/thumbnail')).length") == "1")
            #expect(try page.evaluate("\(asked).filter(path => /^.uploads.[^/]*$/.test(path)).length") == "0")
        }
    }

    @Test("After kill -9 the next process does the accepted tasks, and the page is told their results")
    func killed() throws {
        let folder = try TestFolder()
        let example = Self.example(in: folder, isSupervised: true)
        /// Holds the checksums back, or lets them run.
        func checksums(_ action: String) throws {
            let store = folder.file("uploads.sqlite")
            let command = try Command(
                example.executable, ["tasks", action, "--name", "ComputeChecksum", "--task-store", store],
                in: folder)
            #expect(command.exit == .status(0), "\(command.errors)")
        }
        try example.run(in: folder) { server, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/") { page in
                try checksums("pause")
                _ = try server.logLine(holding: "what is paused or cancelled has changed")
                try Self.send(UploadsSamples.png, named: "sea.png", title: "Sea", on: page, in: folder)
                let processes = server.children
                #expect(processes.count == 1)
                for process in processes { kill(process, SIGKILL) }
                try waitUntil("another process serves") {
                    !server.children.isEmpty && Set(server.children).isDisjoint(with: processes)
                }
                #expect(try Self.text("li .state", on: page) == "Working on it …")
                try checksums("resume")
                try page.wait(for: "document.querySelector('li .state').textContent == 'Done'")
                #expect(try Self.text("li .sha256", on: page).count == 64)
                try page.wait(for: "document.querySelector('li img').naturalWidth == 320")
            }
        }
    }

    @Test("A file that is not an image shows its checksum and why there is no thumbnail")
    func failure() throws {
        try Self.run { page, folder in
            try Self.upload(Array("hello".utf8), named: "a.txt", title: "Text", on: page, in: folder)
            #expect(try Self.text("li .state", on: page).hasPrefix("No thumbnail: the file is neither"))
            #expect(try Self.text("li .sha256", on: page).hasPrefix("2cf24dba"))
            #expect(try page.evaluate("document.querySelector('li img').hidden") == "true")
            try Self.upload(Array("again".utf8), named: "b.txt", title: "Second", on: page, in: folder)
            #expect(try Self.text("li h3", on: page) == "Second")
        }
    }

    @Test("The server's refusal is shown")
    func refused() throws {
        try Self.run { page, folder in
            // The browser itself would demand a title.
            try page.evaluate("document.querySelector('form').noValidate = true")
            try page.evaluate("document.querySelector('button').click()")
            try page.wait(for: "document.querySelector('#message').className == 'failed'")
            #expect(
                try Self.text("#message", on: page)
                    == "Not uploaded: title: Field required; file: Field required")
            #expect(try page.evaluate("document.querySelector('button').disabled") == "false")
        }
    }

    @Test(
        "It fits a phone's width, has dark colours and names, and loads nothing from elsewhere",
        arguments: [390, 1280])
    func appearance(width: Int) throws {
        let colors = try [false, true].map { isDark in
            var color = ""
            try Self.run(width: width, isDark: isDark) { page, folder in
                let title = String(repeating: "x", count: 100)
                try Self.upload(
                    UploadsSamples.png, named: String(repeating: "y", count: 100) + ".png", title: title,
                    on: page,
                    in: folder)
                try page.wait(for: "document.querySelector('li img').naturalWidth == 320")
                #expect(try page.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true")
                let unnamed =
                    "[...document.querySelectorAll('input')].filter(input => !input.labels.length).length"
                #expect(try page.evaluate(unnamed) == "0")
                #expect(try page.foreignResources() == "")
                color = try page.evaluate("getComputedStyle(document.querySelector('button')).borderColor")
            }
            return color
        }
        #expect(colors.first != colors.last, "\(colors)")
    }
}
