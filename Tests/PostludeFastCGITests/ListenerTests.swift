import Foundation
import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("Listener")
struct ListenerTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("creates a Unix socket, refuses a live one, and removes its file at the end")
    func unix() throws {
        try withFolder { folder in
            let address = try SocketAddress(parsing: folder + "/a.sock")
            let listener = try Listener.open(address)
            #expect { try Listener.open(address) } throws: {
                "\($0)".contains("another process is listening")
            }
            listener.close()
            #expect(!FileManager.default.fileExists(atPath: folder + "/a.sock"))
        }
    }

    @Test("refuses a live Unix socket that accepts nothing, and waits no longer than its limit")
    func fullQueue() throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            let address = try SocketAddress(parsing: path)
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
            defer { Glibc.close(server) }
            try #require(address.withSockaddr { bind(server, $0, $1) } == 0 && listen(server, 0) == 0)
            let queued = try address.connect(within: 1)
            defer { Glibc.close(queued) }
            #expect { try Listener.open(address) } throws: {
                "\($0)".contains("another process is listening")
            }
            #expect { try address.connect(within: 1) } throws: { ($0 as? SystemError)?.errno == EAGAIN }
        }
    }

    @Test("replaces a stale Unix socket, and leaves other files alone")
    func stale() throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            let address = try SocketAddress(parsing: path)
            let old = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
            let result = address.withSockaddr { bind(old, $0, $1) }
            #expect(result == 0)
            Glibc.close(old)
            try Listener.open(address).close()

            try Data().write(to: URL(filePath: path))
            #expect { try Listener.open(address) } throws: { "\($0)".contains("is not a socket") }
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("reports its port", arguments: ["127.0.0.1:0", "[::1]:0"])
    func port(text: String) throws {
        let listener = try Listener.open(SocketAddress(parsing: text))
        defer { listener.close() }
        #expect("\(listener.address)".hasPrefix(String(text.dropLast(1))))
        #expect(!"\(listener.address)".hasSuffix(":0"))
    }

    @Test(
        "gives its file the mode, owner and group from its settings",
        arguments: [0o600, 0o660, 0o777])
    func options(mode: UInt32) throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            let isRoot = geteuid() == 0
            let old = umask(0o077)
            defer { umask(old) }
            let listener = try Listener.open(
                SocketAddress(parsing: path),
                ListenOptions(owner: isRoot ? "www-data" : nil, group: isRoot ? "33" : nil, mode: mode))
            defer { listener.close() }
            var status = stat()
            try #require(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == mode)
            if isRoot { #expect(status.st_uid == userID("www-data") && status.st_gid == 33) }
        }
    }

    @Test("names an owner or a group that does not exist, and leaves no file behind")
    func unknownOwner() throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            for options in [ListenOptions(owner: "no-such-user"), ListenOptions(group: "no-such-group")] {
                #expect { try Listener.open(SocketAddress(parsing: path), options) } throws: {
                    "\($0)".contains("\"no-such-")
                }
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test("leaves the file alone if another process has replaced it, or still serves on it")
    func foreignFile() throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            let first = try Listener.open(SocketAddress(parsing: path))
            unlink(path)
            let second = try Listener.open(SocketAddress(parsing: path))
            first.close()
            #expect(FileManager.default.fileExists(atPath: path))
            second.close(keepingFile: true)
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("closes without a free descriptor, and keeps its number on /dev/null")
    func close() throws {
        try withFolder { folder in
            let listener = try Listener.open(SocketAddress(parsing: folder + "/a.sock"))
            listener.close()
            var status = stat()
            #expect(fstat(listener.descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
            Glibc.close(listener.descriptor)
        }
    }

    @Test("refuses connections after its end, and still accepts those that were queued before")
    func refusing() throws {
        try withFolder { folder in
            let address = try SocketAddress(parsing: folder + "/a.sock")
            let listener = try Listener.open(address)
            func connect() -> Int32? {
                let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
                if address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
                Glibc.close(descriptor)
                return nil
            }
            let queued = try #require(connect())
            defer { Glibc.close(queued) }
            listener.refuseConnections()
            #expect(connect() == nil)
            let accepted = try #require(try listener.accept())
            Glibc.close(accepted.descriptor)
            let none = try listener.accept()
            #expect(none == nil)
            listener.close()
        }
    }
}
