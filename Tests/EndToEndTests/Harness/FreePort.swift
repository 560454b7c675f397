import Foundation
import Synchronization

/// TCP ports below the range that the kernel takes for outgoing connections, each given once.
enum FreePort {
    private static let next = Atomic<Int>(Int(getpid()) % 4_000 * 2)

    static func take() throws -> UInt16 {
        for _ in 0..<2_000 {
            let step = next.add(1, ordering: .relaxed).oldValue
            let port = UInt16(20_000 + step % 12_000)
            if isFree(port) { return port }
        }
        throw TimedOut(description: "no TCP port between 20000 and 32000 is free")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Endpoint.tcp("127.0.0.1", port).withAddress { bind(descriptor, $0, $1) == 0 }
    }
}
