import FoundationEssentials

/// The accesses of one minute.
struct MinuteStatistics: Encodable, Sendable {
    var start: Date
    var requests: Int
    /// The requests with a status of 400 or more.
    var errors: Int
    /// The duration of all requests together.
    var milliseconds: Double

    enum CodingKeys: String, CodingKey { case start, requests, errors }
}
