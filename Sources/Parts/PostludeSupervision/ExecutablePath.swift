internal import Glibc
package import PostludeSystem

/// Finds the path of a program's file.
package enum ExecutablePath {
    /// Returns the path by which a program was called, made absolute. Symbolic links are not resolved, since a deployment
    /// points them at another file.
    ///
    /// - Returns: nil if the name is not found.
    package static func absolute(of name: String, search: String?, folder: String) -> String? {
        if name.hasPrefix("/") { return name }
        if name.contains("/") { return "\(folder)/\(name)" }
        guard !name.isEmpty else { return nil }
        for place in (search ?? "/usr/local/bin:/usr/bin:/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        {
            let place = place.isEmpty ? folder : place.hasPrefix("/") ? String(place) : "\(folder)/\(place)"
            if access("\(place)/\(name)", X_OK) == 0 { return "\(place)/\(name)" }
        }
        return nil
    }

    /// Returns the absolute path by which this program was called; nil if its name is not found in `PATH`.
    ///
    /// - Parameter folder: the directory in which the program was started.
    package static func current(calledAs name: String, in folder: WorkingFolder) -> String? {
        absolute(of: name, search: getenv("PATH").map { String(cString: $0) }, folder: folder.path)
    }
}
