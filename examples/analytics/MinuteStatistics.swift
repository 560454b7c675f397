import FoundationEssentials

/// The accesses of one minute.
struct MinuteStatistics: Encodable, Sendable {
    var start: Date
    var requests: Int
    /// Those of the requests whose status was 400 or more.
    var errors: Int
    /// Of all requests together.
    var milliseconds: Double

    enum CodingKeys: String, CodingKey { case start, requests, errors }
}
