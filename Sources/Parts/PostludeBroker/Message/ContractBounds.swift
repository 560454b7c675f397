/// The sizes up to which messages are sent and taken.
package enum ContractBounds {
    /// RabbitMQ takes 128 MiB, Redis 512; but a worker holds each of its messages several times in memory.
    package static let body = 16 << 20
    /// They go in one frame, which RabbitMQ limits to 128 KiB.
    package static let headers = 64 << 10
    /// An AMQP short string: queue names, header names, ids.
    package static let shortString = 255
    /// A body in base64 is a third longer, and headers stand beside it.
    package static let envelope = body / 3 * 4 + 2 * headers + 4_096
}
