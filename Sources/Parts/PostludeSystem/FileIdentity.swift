import Glibc

/// The identity of a file, independent of its name.
package struct FileIdentity: Sendable, Hashable, CustomStringConvertible {
    private let device: UInt64
    private let inode: UInt64

    /// - Returns: nil if there is no accessible file at the path.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    package init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    package var description: String { "\(device):\(inode)" }
}
