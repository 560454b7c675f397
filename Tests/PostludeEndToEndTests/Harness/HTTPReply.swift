/// A response as a client received it, with the time of its last byte.
struct HTTPReply {
    let status: Int
    let head: CGIReply
    let body: [UInt8]
    let endedAt: ContinuousClock.Instant
    /// When each piece arrived, and how many bytes the client had by then.
    let arrivals: [(held: Int, at: ContinuousClock.Instant)]

    func field(_ name: String) -> String? { head.field(name) }
    var text: String { String(decoding: body, as: UTF8.self) }
}
