import Foundation
import PostludeSystem

/// The real Chromium, without a window, as far as the loopback net: nothing that a page asks of another host
/// is found.
///
/// ```swift
/// let html = try Browser.dom(of: "http://127.0.0.1:8080/")
/// try Browser.open("http://127.0.0.1:8080/", width: 390, isDark: true) { page in
///     #expect(try page.evaluate("document.querySelectorAll('svg rect').length") == "60")
/// }
/// ```
struct Browser {
    /// A page takes a core for seconds: one at a time leaves the tests beside it their time.
    private static let turn = Lock(())

    private static let executable =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .first(where: FileManager.default.isExecutableFile(atPath:)) ?? "chromium"

    /// The page's elements as HTML, after its scripts have run.
    static func dom(of url: String) throws -> String {
        try open(url) { try $0.dom }
    }

    /// Writes the whole page into a PNG file.
    ///
    /// - Parameter width: of the window, in CSS pixels.
    static func screenshot(of url: String, to file: String, width: Int = 1280, isDark: Bool = false) throws {
        try open(url, width: width, isDark: isDark) { try $0.screenshot(to: file) }
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// - Parameters:
    ///   - width: of the window, in CSS pixels; a phone's has about 390.
    ///   - isDark: whether the page is asked for dark colours.
    static func open<R>(
        _ url: String, width: Int = 1280, height: Int = 800, isDark: Bool = false,
        _ body: (BrowserPage) throws -> sending R
    ) throws -> sending R {
        try turn.withLock { _ in
            let folder = try TestFolder()
            let pipe = try DevToolsPipe(starting: executable, options(folder), in: folder)
            defer { pipe.close() }
            do {
                let page = try BrowserPage(in: pipe, width: width, height: height, isDark: isDark)
                try page.load(url)
                return try body(page)
            } catch {
                throw Failure(description: "\(error)\n--- Chromium ---\n\(pipe.log.suffix(2_000))")
            }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static func options(_ folder: TestFolder) -> [String] {
        [
            "--headless=new", "--user-data-dir=\(folder.file("profile"))",
            // Chromium refuses to run with its sandbox as root, which a container's tests often are.
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            "--no-proxy-server", "--no-first-run", "--disable-background-networking", "--disable-sync",
            "--disable-component-update", "--disable-default-apps", "--disable-extensions",
            "--password-store=basic", "about:blank",
        ]
    }
}
