/// The accesses of an hour, minute by minute.
struct HourStatistics: Encodable, Sendable {
    /// Oldest first, including minutes without an access.
    let minutes: [MinuteStatistics]
    let requests: Int
    let errors: Int
    /// Nil if there was no request.
    let meanMilliseconds: Double?

    init(minutes: [MinuteStatistics]) {
        self.minutes = minutes
        requests = minutes.map(\.requests).reduce(0, +)
        errors = minutes.map(\.errors).reduce(0, +)
        let milliseconds = minutes.map(\.milliseconds).reduce(0, +)
        meanMilliseconds = requests == 0 ? nil : (milliseconds / Double(requests)).rounded(decimals: 3)
    }

    enum CodingKeys: String, CodingKey {
        case minutes, requests, errors
        case meanMilliseconds = "mean_milliseconds"
    }
}

extension Double {
    func rounded(decimals: Int) -> Double {
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}
