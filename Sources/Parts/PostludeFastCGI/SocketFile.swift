import Glibc
import PostludeSystem

/// A Unix socket's file, known again by its number in the file system: another server may have put its own in
/// its place.
struct SocketFile {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    init?(_ path: String) {
        guard let status = Self.status(path) else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Gives the file its owner and its mode, and not what a link of the same name points at.
    func apply(_ options: ListenOptions) throws(ListenError) {
        let owner = try options.owner.map { text throws(ListenError) in
            guard let user = userID(text) else { throw .unknownUser(text) }
            return user
        }
        let group = try options.group.map { text throws(ListenError) in
            guard let group = groupID(text) else { throw .unknownGroup(text) }
            return group
        }
        // O_PATH, which the C library shows under _GNU_SOURCE only.
        let file = open(path, 0x20_0000 | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .system(SystemError("open(\(path))")) }
        defer { close(file) }
        let name = "/proc/self/fd/\(file)"
        if owner != nil || group != nil {
            guard chown(name, owner ?? uid_t.max, group ?? gid_t.max) == 0 else {
                throw .system(
                    SystemError(
                        "chown(\(path), \(options.owner ?? "-"):\(options.group ?? "-"))",
                        advice: "start as root, or leave listen.owner and listen.group out"))
            }
        }
        guard chmod(name, mode_t(truncatingIfNeeded: options.mode) & 0o777) == 0 else {
            throw .system(SystemError("chmod(\(path), \(String(options.mode, radix: 8)))"))
        }
    }

    func remove() {
        guard let status = Self.status(path), status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}

/// How a listening socket is opened.
package struct ListenOptions: Sendable {
    /// The owner of a Unix socket's file, by name or number; nil for the process's own user.
    package var owner: String?
    /// Its group, by name or number; nil for the process's own group.
    package var group: String?
    /// Its mode: who may connect.
    package var mode: UInt32
    /// Connections that the kernel queues; it caps the number at `net.core.somaxconn`.
    package var backlog: Int

    package init(
        owner: String? = nil, group: String? = nil, mode: UInt32 = 0o660, backlog: Int = 4096
    ) {
        self.owner = owner
        self.group = group
        self.mode = mode
        self.backlog = backlog
    }
}
