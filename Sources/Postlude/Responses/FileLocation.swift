/// A folder whose files nginx sends by itself, from a location that clients cannot ask for.
struct FileLocation: Hashable, Sendable {
    /// Without symbolic links, and without a slash at its end.
    private let root: String
    /// With a slash at its end.
    private let location: String

    /// - Parameters:
    ///   - root: the folder that the location's `alias` names.
    ///   - internal: the location's path.
    init(root: String, internal location: String) {
        let real = OpenFile.realPath(of: root) ?? root
        self.root = real.hasSuffix("/") ? String(real.dropLast()) : real
        self.location = location.hasSuffix("/") ? location : location + "/"
    }

    /// What nginx is to be asked for; nil for a file that lies elsewhere.
    func target(of file: FileBody) -> String? {
        guard let path = file.path, path.utf8.starts(with: (root + "/").utf8) else { return nil }
        let rest = path.utf8.dropFirst(root.utf8.count + 1)
        return PercentEncoding.encode(location.utf8, except: "/") + PercentEncoding.encode(rest, except: "/")
    }
}
