internal import Logging

extension ManifestDecoder {
    private static let formatExpectation = "json or a line with variables such as '$remote_addr $status'"

    func log(_ node: Node) -> Manifest.Log {
        var log = Manifest.Log()
        guard let keys = reader.mapping(node, keys: LogKey.self, name: LogKey.mapping) else { return log }
        let levels = alternatives(Logger.Level.allCases.map(\.rawValue))
        if let node = keys[.level], let scalar = reader.text(node, for: "`level`", expected: levels) {
            if let level = Logger.Level(rawValue: scalar.string) {
                log.level = level
            } else {
                reader.reportMismatch(node, for: "`level`", expected: levels)
            }
        }
        if let node = keys[.to], let destination = destination(node) { log.destination = destination }
        log.access = keys[.access].flatMap { access($0, besides: log.destination) }
        return log
    }

    /// Decodes `access`. Returns `nil` if a mistake was reported.
    ///
    /// - Parameter destination: the destination of the log itself, which is the default of the access log.
    private func access(_ node: Node, besides destination: Manifest.Log.Destination) -> Manifest.Log.Access? {
        var access = Manifest.Log.Access()
        access.destination = destination
        guard node.scalar == nil else {
            guard let format = format(node, for: "`access`") else { return nil }
            access.format = format
            return access
        }
        guard
            let keys = reader.mapping(
                node, keys: AccessKey.self, name: AccessKey.mapping, or: Self.formatExpectation)
        else { return nil }
        if let node = keys[.to] { access.destination = self.destination(node) ?? destination }
        if let node = keys[.format] { access.format = format(node, for: "`format`") ?? access.format }
        return access
    }

    private func destination(_ node: Node) -> Manifest.Log.Destination? {
        let expected = "stderr, syslog, journald or a path with a `/`"
        guard let text = reader.text(node, for: "`to`", expected: expected)?.string else { return nil }
        switch text {
        case "stderr": return .standardError
        case "syslog": return .syslog
        case "journald": return .journald
        // A name without a slash is more likely a misspelt `stderr` than a file.
        case let path where path.contains("/") && !path.hasSuffix("/") && !path.contains("\0"):
            return .file(path)
        default:
            reader.reportMismatch(node, for: "`to`", expected: expected)
            return nil
        }
    }

    private func format(_ node: Node, for name: String) -> Manifest.Log.Access.Format? {
        let expected = Self.formatExpectation
        guard let scalar = reader.text(node, for: name, expected: expected) else { return nil }
        let text = scalar.string
        if text == "json" { return .json }
        // Without a variable, all lines would be the same.
        guard text.contains("$"), !text.utf8.contains(where: { $0 < 0x20 && $0 != UInt8(ascii: "\t") }) else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        do throws(AccessLogFormat.Mistake) {
            _ = try AccessLogFormat(parsing: text)
        } catch {
            reader.report("\(error.message), for \(name)", at: error.offset, in: node)
            return nil
        }
        return .text(text)
    }
}
