import Foundation
import Synchronization

/// A TCP socket on the loopback interface.
package final class Socket: Sendable {
    package let descriptor: Int32
    private let isOpen = Atomic<Bool>(true)

    package init(adopting descriptor: Int32) { self.descriptor = descriptor }

    private static func withAddress<R>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R
    {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    package convenience init(connectingTo port: UInt16) throws {
        self.init(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0))
        guard Self.withAddress(port, { connect(descriptor, $0, $1) }) == 0 else {
            throw Unexpected("connect to \(port): errno \(errno)")
        }
    }

    package convenience init(listeningOn port: UInt16) throws {
        self.init(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0))
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        guard Self.withAddress(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
            throw Unexpected("listen on \(port): errno \(errno)")
        }
    }

    deinit { close() }

    package func close() {
        if isOpen.exchange(false, ordering: .acquiringAndReleasing) {
            // Wakes a thread that waits on the socket.
            shutdown(descriptor, Int32(SHUT_RDWR))
            Foundation.close(descriptor)
        }
    }

    package func acceptOne() -> Socket? {
        let peer = accept(descriptor, nil, nil)
        return peer < 0 ? nil : Socket(adopting: peer)
    }

    package func read() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, count)))
    }

    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
