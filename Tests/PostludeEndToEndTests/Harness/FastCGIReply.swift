/// The records that the application sent for one request, up to END_REQUEST.
struct FastCGIReply {
    static let requestComplete: UInt8 = 0
    static let cannotMultiplex: UInt8 = 1
    static let overloaded: UInt8 = 2
    static let unknownRole: UInt8 = 3

    var stdout: [UInt8] = []
    var stderr: [UInt8] = []
    var applicationStatus: UInt32 = 0
    var protocolStatus: UInt8 = 0
    /// Management records, and records of other requests that arrived in between.
    var others: [Record] = []
    var endedAt = ContinuousClock.now

    var http: CGIReply { CGIReply(stdout) }
    var status: Int { http.status }
    var text: String { http.text }
}
