import Foundation

/// An open page in the browser.
struct BrowserPage {
    private let pipe: DevToolsPipe
    private let session: String

    init(in pipe: DevToolsPipe, width: Int, height: Int, isDark: Bool) throws {
        self.pipe = pipe
        let target = try pipe.call("Target.createTarget", ["url": "about:blank"])
        let attached = try pipe.call(
            "Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        session = attached["sessionId"] as? String ?? ""
        try call("Page.enable")
        try call("Runtime.enable")
        try resize(width: width, height: height, isDark: isDark)
    }

    /// Gives the window another size, and the page other colours.
    func resize(width: Int, height: Int, isDark: Bool) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
        try call(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]])
    }

    func load(_ url: String) throws {
        let answer = try call("Page.navigate", ["url": url])
        if let reason = answer["errorText"] as? String {
            throw Browser.Failure(description: "\(url) was not loaded: \(reason)")
        }
        try waitUntil("\(url) is loaded") {
            try evaluate("document.readyState == 'complete' && location.href != 'about:blank'") == "true"
        }
    }

    /// The page's elements as HTML.
    var dom: String {
        get throws { try evaluate("document.documentElement.outerHTML") }
    }

    /// Returns the addresses of what the page has loaded from other origins, separated by commas.
    func foreignResources() throws -> String {
        let names = "performance.getEntriesByType('resource').map(entry => entry.name)"
        return try evaluate("\(names).filter(name => !name.startsWith(location.origin)).join()")
    }

    /// Runs JavaScript in the page. If its value is a promise, waits for it.
    ///
    /// - Returns: the value as a string.
    /// - Throws: `Browser.Failure` with the exception that the script has thrown.
    @discardableResult
    func evaluate(_ script: String) throws -> String {
        let answer = try call(
            "Runtime.evaluate",
            [
                "expression": "(async () => String(await (\(script))))()", "awaitPromise": true,
                "returnByValue": true,
            ])
        if let exception = answer["exceptionDetails"] {
            throw Browser.Failure(description: "\(script) has thrown \(exception)")
        }
        return (answer["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// Runs a script that is not an expression.
    func run(_ script: String) throws {
        let answer = try call("Runtime.evaluate", ["expression": script])
        if let exception = answer["exceptionDetails"] {
            throw Browser.Failure(description: "the script has thrown \(exception)")
        }
    }

    /// Waits until a JavaScript expression is true.
    func wait(for condition: String) throws {
        try waitUntil("\(condition) in the page") { try evaluate(condition) == "true" }
    }

    /// The keys that `press` can press, with their codes.
    enum Key: Int {
        case tab = 9
        case enter = 13
        case escape = 27

        fileprivate var name: String {
            switch self {
            case .tab: "Tab"
            case .enter: "Enter"
            case .escape: "Escape"
            }
        }
    }

    /// Presses a key, as a user does: what has the focus gets it.
    func press(_ key: Key) throws {
        var parameters: [String: Any] = [
            "key": key.name, "code": key.name, "windowsVirtualKeyCode": key.rawValue,
        ]
        parameters["type"] = "rawKeyDown"
        if key == .enter {
            // A key that enters text presses a button.
            (parameters["type"], parameters["text"]) = ("keyDown", "\r")
        }
        try call("Input.dispatchKeyEvent", parameters)
        parameters["type"] = "keyUp"
        try call("Input.dispatchKeyEvent", parameters)
    }

    /// Enters text where the focus is.
    func type(_ text: String) throws { try call("Input.insertText", ["text": text]) }

    /// Returns what a screen reader gets of the page: each element's role and name, such as `button Find`.
    func spoken() throws -> Set<String> {
        let tree = try call("Accessibility.getFullAXTree")
        let nodes = tree["nodes"] as? [[String: Any]] ?? []
        func value(_ node: [String: Any], _ key: String) -> String {
            (node[key] as? [String: Any])?["value"] as? String ?? ""
        }
        let shown = nodes.filter { $0["ignored"] as? Bool != true }
        return Set(shown.map { "\(value($0, "role")) \(value($0, "name"))" })
    }

    /// Sets the files of a file input, like a user's choice.
    ///
    /// - Parameter selector: CSS of the input.
    func choose(files: [String], in selector: String) throws {
        let document = try call("DOM.getDocument")
        let root = (document["root"] as? [String: Any])?["nodeId"] ?? 0
        let input = try call("DOM.querySelector", ["nodeId": root, "selector": selector])
        try call("DOM.setFileInputFiles", ["nodeId": input["nodeId"] ?? 0, "files": files])
    }

    /// Writes the whole page to a PNG file.
    func screenshot(to file: String) throws {
        let answer = try call("Page.captureScreenshot", ["format": "png", "captureBeyondViewport": true])
        guard let data = Data(base64Encoded: answer["data"] as? String ?? "") else {
            throw Browser.Failure(description: "the screenshot is not Base64")
        }
        try data.write(to: URL(fileURLWithPath: file))
    }

    @discardableResult
    private func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        try pipe.call(method, parameters, session: session)
    }
}
