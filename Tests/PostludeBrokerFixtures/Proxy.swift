import Foundation
import PostludeSpawning
import PostludeSystem

/// A proxy in front of a broker. It can cut connections, or fall silent.
package final class Proxy: Sendable {
    package enum Behaviour: Sendable {
        case forward
        /// Drops what the broker answers, and keeps the connection.
        case swallowAnswers
        /// Ends the connection when the client sends the next bytes, which still reach the broker.
        case cutAfterNextBytes
        /// Changes one of the broker's bytes from time to time.
        case corruptAnswers(seed: UInt64)
        /// Ends the connection when the client sends the next bytes, which do not reach the broker.
        case cutBeforeNextBytes
    }

    package let port: UInt16
    private let listener: Socket
    private let behaviour = Lock(Behaviour.forward)
    private let sockets = Lock<[Socket]>([])

    package init(to target: UInt16) throws {
        port = try FreePort.take()
        listener = try Socket(listeningOn: port)
        Thread.detachNewThread { [self] in
            while let client = listener.acceptOne() {
                guard let broker = try? Socket(connectingTo: target) else { continue }
                sockets.withLock { $0 += [client, broker] }
                Thread.detachNewThread { [self] in pump(client, broker, isFromClient: true) }
                Thread.detachNewThread { [self] in pump(broker, client, isFromClient: false) }
            }
        }
    }

    private func pump(_ from: Socket, _ to: Socket, isFromClient: Bool) {
        var count = 0
        while true {
            let bytes = from.read()
            guard !bytes.isEmpty else { break }
            switch (behaviour.withLock { $0 }, isFromClient) {
            case (.swallowAnswers, false): continue
            case (.corruptAnswers(let seed), false):
                var random = SeededGenerator(seed: seed &+ UInt64(count))
                count += 1
                var changed = bytes
                if Bool.random(using: &random) {
                    changed[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
                if !to.write(changed) { return cut(from, to) }
            case (.cutBeforeNextBytes, true): return cut(from, to)
            case (.cutAfterNextBytes, true):
                to.write(bytes)
                return cut(from, to)
            default: if !to.write(bytes) { return cut(from, to) }
            }
        }
        cut(from, to)
    }

    /// Only shuts the sockets down: another file must not get their descriptors while a thread still uses
    /// them.
    private func cut(_ one: Socket, _ other: Socket) {
        shutdown(one.descriptor, Int32(SHUT_RDWR))
        shutdown(other.descriptor, Int32(SHUT_RDWR))
    }

    package func set(_ new: Behaviour) { behaviour.withLock { $0 = new } }

    /// Ends all open connections. New connections are forwarded.
    package func cut() {
        for socket in sockets.withLock({ $0 }) { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }
    }

    package func close() {
        listener.close()
        for socket in sockets.withLock({ $0 }) { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }
    }
}
