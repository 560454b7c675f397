internal import Glibc

/// The working directory of this process, under the name that its parent used.
///
/// The kernel stores a directory without the symbolic links that led to it. A deployment changes a link to another
/// directory, and expects names to be looked up through the new link.
package struct WorkingFolder: Sendable {
    package let path: String
    /// Whether the path leads through a link.
    package let isLinked: Bool

    /// The current directory, to be read at the start, before anything changes it; nil if it no longer exists.
    package static var current: WorkingFolder? {
        guard let buffer = getcwd(nil, 0) else { return nil }
        defer { free(buffer) }
        return WorkingFolder(real: String(cString: buffer), called: getenv("PWD").map { String(cString: $0) })
    }

    /// - Parameters:
    ///   - real: the path without links.
    ///   - name: the path that a shell uses (POSIX, `pwd -L`): ignored if it does not lead there.
    init(real: String, called name: String?) {
        guard let name, name != real, name.hasPrefix("/"),
            !name.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }),
            FileIdentity(path: name) == FileIdentity(path: real)
        else {
            (path, isLinked) = (real, false)
            return
        }
        (path, isLinked) = (name, true)
    }

    /// Returns `name` as an absolute path. A relative path is relative to this directory.
    package func path(of name: String) -> String { name.hasPrefix("/") ? name : "\(path)/\(name)" }

    /// Changes to the directory to which the name leads now.
    package func enter() throws(SystemError) {
        guard chdir(path) == 0 else { throw SystemError("chdir(\(path))") }
    }
}
