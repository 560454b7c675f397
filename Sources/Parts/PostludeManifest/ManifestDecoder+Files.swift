extension ManifestDecoder {
    func files(_ node: Node) -> Manifest.Files? {
        guard let keys = reader.mapping(node, keys: FilesKey.self, name: FilesKey.mapping) else { return nil }
        for key in FilesKey.allCases where keys[key] == nil {
            let names = alternatives(FilesKey.allCases.map { "`\($0.rawValue)`" }, last: "and")
            reader.diagnostics.add(
                "`files` has no `\(key.rawValue)`, expected both \(names)", at: keys.position)
        }
        let root = keys[.root].flatMap { folder($0, for: "`root`", such: "/srv/files") }
        let location = keys[.internal].flatMap(internalLocation)
        guard let root, let location else { return nil }
        return Manifest.Files(root: root, internal: location)
    }

    func uploads(_ node: Node) -> Manifest.Uploads {
        var uploads = Manifest.Uploads()
        guard let keys = reader.mapping(node, keys: UploadsKey.self, name: UploadsKey.mapping) else {
            return uploads
        }
        if let node = keys[.folder], let folder = folder(node, for: "`folder`", such: uploads.folder) {
            uploads.folder = folder
        }
        return uploads
    }

    func taskStore(_ node: Node) -> Manifest.TaskStore? {
        guard let keys = reader.mapping(node, keys: TaskStoreKey.self, name: TaskStoreKey.mapping) else {
            return nil
        }
        let example = "/var/lib/app/tasks.sqlite"
        // Whether it is required depends on the application's task engine.
        let path = keys[.path].flatMap { address($0) ?? folder($0, for: "`path`", such: example) }
        var taskStore = Manifest.TaskStore(
            path: path,
            location: SourceLocation(
                file: reader.diagnostics.file, position: keys[.path]?.position ?? keys.position))
        let times: [(TaskStoreKey, WritableKeyPath<Manifest.TaskStore, Duration>)] = [
            (.keep, \.keep), (.keepFailed, \.keepFailed), (.lockTimeout, \.lockTimeout),
        ]
        for (key, time) in times {
            guard let node = keys[key] else { continue }
            let value = reader.duration(node, for: "`\(key.rawValue)`", atLeast: ManifestBounds.time)
            if let value { taskStore[keyPath: time] = value }
        }
        if let node = keys[.maxAnswers] {
            let bound = reader.byteCount(node, for: "`max-answers`", in: ManifestBounds.answers)
            taskStore.maximumAnswers = bound ?? taskStore.maximumAnswers
        }
        return path == nil && keys[.path] != nil ? nil : taskStore
    }

    /// Returns an address of PostgreSQL; nil if the text is none.
    private func address(_ node: Node) -> String? {
        guard let text = node.scalar?.string, Manifest.TaskStore.isServer(text), !text.utf8.contains(0) else {
            return nil
        }
        return reader.text(node, for: "`path`", expected: "an address of PostgreSQL")?.string
    }

    /// Returns the absolute path of a folder or file, without empty and `.` segments.
    private func folder(_ node: Node, for name: String, such example: String) -> String? {
        let expected = "an absolute path without `..` such as \(example)"
        guard let path = reader.text(node, for: name, expected: expected)?.string else { return nil }
        let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
            .filter { $0 != "." }
        // The path `/` is refused, because it is more likely a missing variable than an intention.
        guard path.utf8.first == UInt8(ascii: "/"), !segments.isEmpty, !segments.contains(".."),
            !path.utf8.contains(0)
        else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return segments.map { "/" + $0 }.joined()
    }

    /// Returns the prefix of a file's path in X-Accel-Redirect. nginx decodes that field, so percent signs are not allowed.
    private func internalLocation(_ node: Node) -> String? {
        let expected = "a URL path between slashes such as /protected/"
        guard let path = reader.text(node, for: "`internal`", expected: expected)?.string else { return nil }
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let names = segments.dropFirst().dropLast()
        let isPath =
            segments.first?.isEmpty == true && segments.last?.isEmpty == true && !names.isEmpty
            && names.allSatisfy { name in
                !name.isEmpty && ![".", ".."].contains(String(Substring(name)))
                    && name.allSatisfy(Self.isPathByte)
            }
        guard isPath else {
            reader.reportMismatch(node, for: "`internal`", expected: expected)
            return nil
        }
        return path
    }

    /// Whether a byte is a `pchar` of RFC 3986, section 3.3, without percent-encoding.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+,;=:@".utf8.contains(byte)
        }
    }
}
