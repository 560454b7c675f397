internal import Glibc
internal import Manifest

/// What a manifest names outside of itself, as far as this user can see. Another user, or another machine, may
/// have it: nothing here is a mistake of the manifest.
enum Surroundings {
    static func warnings(about manifest: Manifest) -> [String] {
        var warnings = [
            folder(manifest.uploads.folder, key: "uploads.folder", mode: W_OK | X_OK, to: "written")
        ]
        if let files = manifest.files {
            warnings.append(folder(files.root, key: "files.root", mode: R_OK | X_OK, to: "read"))
        }
        let (listen, status) = (manifest.listen, manifest.status)
        let users =
            [("listen.owner", listen.owner), ("status.owner", status?.owner)]
            + listen.allowUsers.map { ("listen.allow-users", $0) }
        let groups = [("listen.group", listen.group), ("status.group", status?.group)]
        warnings += users.map { key, name in account(name, key: key, kind: "user", isKnown: isUser) }
        warnings += groups.map { key, name in account(name, key: key, kind: "group", isKnown: isGroup) }
        return warnings.compactMap(\.self)
    }

    private static func folder(_ path: String, key: String, mode: Int32, to verb: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
            return "\(key): \(path) cannot be found: \(reason)"
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(key): \(path) is not a folder" }
        return access(path, mode) == 0 ? nil : "\(key): \(path) cannot be \(verb) by this user"
    }

    private static func account(
        _ name: String?, key: String, kind: String, isKnown: (String) -> Bool
    ) -> String? {
        guard let name, UInt32(name) == nil, !isKnown(name) else { return nil }
        return "\(key): this machine has no \(kind) \(name)"
    }

    private static func isUser(_ name: String) -> Bool { getpwnam(name) != nil }
    private static func isGroup(_ name: String) -> Bool { getgrnam(name) != nil }
}
