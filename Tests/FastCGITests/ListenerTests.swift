import Foundation
import Testing

@testable import FastCGI

@Suite("Listener")
struct ListenerTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("makes a Unix socket, refuses a live one, and takes its file away at the end")
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

    @Test("replaces a stale Unix socket, and leaves other files alone")
    func stale() throws {
        try withFolder { folder in
            let path = folder + "/a.sock"
            let address = try SocketAddress(parsing: path)
            let old = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let result = address.withSockaddr { bind(old, $0, $1) }
            #expect(result == 0)
            close(old)
            try Listener.open(address).close()

            try Data().write(to: URL(filePath: path))
            #expect { try Listener.open(address) } throws: { "\($0)".contains("is no socket") }
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("says which port it got", arguments: ["127.0.0.1:0", "[::1]:0"])
    func port(text: String) throws {
        let listener = try Listener.open(SocketAddress(parsing: text))
        defer { listener.close() }
        #expect("\(listener.address)".hasPrefix(String(text.dropLast(1))))
        #expect(!"\(listener.address)".hasSuffix(":0"))
    }
}
