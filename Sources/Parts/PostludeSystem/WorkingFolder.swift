internal import Glibc

/// The folder that this process works in, under the name by which its parent knows it.
///
/// The kernel knows a folder without the symbolic links that led to it. A deployment points a link at another folder,
/// and expects names to be looked up through it anew.
package struct WorkingFolder: Sendable {
    package let path: String
    /// Whether a link leads to it.
    package let isLinked: Bool

    /// To be asked for at the start, before anything changes the folder; nil if it is gone.
    package static var current: WorkingFolder? {
        guard let buffer = getcwd(nil, 0) else { return nil }
        defer { free(buffer) }
        return WorkingFolder(real: String(cString: buffer), called: getenv("PWD").map { String(cString: $0) })
    }

    /// - Parameters:
    ///   - real: the path without links.
    ///   - name: what a shell calls it (POSIX, `pwd -L`): not believed unless it leads there.
    init(real: String, called name: String?) {
        guard let name, name != real, name.hasPrefix("/"),
            !name.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }),
            Self.identity(of: name) == Self.identity(of: real)
        else {
            (path, isLinked) = (real, false)
            return
        }
        (path, isLinked) = (name, true)
    }

    /// A path that begins at this folder, absolute.
    package func path(of name: String) -> String { name.hasPrefix("/") ? name : "\(path)/\(name)" }

    /// Works in the folder that the name leads to now.
    package func enter() throws(SystemError) {
        guard chdir(path) == 0 else { throw SystemError("chdir(\(path))") }
    }

    private struct Identity: Equatable {
        let device: UInt
        let inode: UInt
    }

    private static func identity(of path: String) -> Identity? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Identity(device: UInt(facts.st_dev), inode: UInt(facts.st_ino))
    }
}
