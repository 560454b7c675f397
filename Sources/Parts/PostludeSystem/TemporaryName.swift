internal import CPostludeLinux
import Glibc

/// Names for the moment before a file gets its own.
enum TemporaryName {
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func random(in folder: String) -> String {
        "\(folder)/.postlude-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }

    static func makeFile(in folder: String) throws(SystemError) -> (descriptor: Int32, name: String) {
        var name = Array("\(folder)/.postlude-XXXXXX".utf8CString)
        let descriptor = clinux_make_temporary(&name)
        guard descriptor >= 0 else { throw SystemError("make a file in \(folder)") }
        return (descriptor, String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    static func rename(_ name: String, to path: String, isReplacing: Bool) throws(SystemError) {
        if isReplacing {
            guard Glibc.rename(name, path) == 0 else { throw SystemError("rename a file to \(path)") }
        } else if clinux_rename_exclusively(name, path) != 0 {
            // File systems that cannot rename so can often link.
            guard errno == EINVAL, Glibc.link(name, path) == 0 else {
                throw SystemError("rename a file to \(path)")
            }
            unlink(name)
        }
    }
}
