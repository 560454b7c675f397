/// A response as a client got it, with the moment at which its last byte came.
struct HTTPReply {
    let status: Int
    let head: CGIReply
    let body: [UInt8]
    let endedAt: ContinuousClock.Instant
    /// When each piece came, and how many bytes the client held then.
    let arrivals: [(held: Int, at: ContinuousClock.Instant)]

    func field(_ name: String) -> String? { head.field(name) }
    var text: String { String(decoding: body, as: UTF8.self) }
}
