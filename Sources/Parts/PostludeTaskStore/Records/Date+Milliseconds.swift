internal import FoundationEssentials

extension Date {
    /// As the file has it; what is beyond is the last one.
    var milliseconds: Int64 {
        let milliseconds = (timeIntervalSince1970 * 1000).rounded(.down)
        // NaN compares false.
        guard milliseconds > -9e18 else { return .min }
        return milliseconds < 9e18 ? Int64(milliseconds) : .max
    }

    init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
