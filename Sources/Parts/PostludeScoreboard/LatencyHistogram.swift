import PostludeSystem

/// A histogram of durations. Its buckets widen: there are four to each power of two, so that quantiles are at most an eighth
/// too large or too small.
package struct LatencyHistogram: Sendable, Equatable {
    /// The buckets cover durations from a microsecond to more than a day; others count in the first or the last one.
    static let bucketCount = 144
    /// The counts of the buckets, without the empty ones at the end: most histograms are short.
    private(set) var counts: [UInt64] = []

    package init() {}

    /// Returns the bucket of a duration.
    static func bucket(nanoseconds: UInt64) -> Int {
        let time = nanoseconds >> 10
        // Below four units of 1,024 ns, each unit has its own bucket.
        guard time >= 4 else { return Int(time) }
        let power = 63 - time.leadingZeroBitCount
        let quarter = Int(truncatingIfNeeded: time >> UInt64(power - 2)) & 3
        return min((power - 1) * 4 + quarter, bucketCount - 1)
    }

    /// Returns the lower bound of a bucket, in nanoseconds; it extends to that of the next one.
    static func start(of bucket: Int) -> UInt64 {
        guard bucket >= 4 else { return UInt64(max(0, bucket)) << 10 }
        let (power, quarter) = (bucket / 4 + 1, UInt64(bucket % 4))
        return ((4 | quarter) << UInt64(power - 2)) << 10
    }

    package mutating func add(_ duration: Duration) {
        let bucket = Self.bucket(nanoseconds: UInt64(clamping: duration.saturatedNanoseconds))
        extend(to: bucket + 1)
        counts[bucket] &+= 1
    }

    package static func += (left: inout LatencyHistogram, right: LatencyHistogram) {
        left.extend(to: right.counts.count)
        for (bucket, count) in right.counts.enumerated() { left.counts[bucket] &+= count }
    }

    private mutating func extend(to count: Int) {
        counts += repeatElement(0, count: max(0, count - counts.count))
    }

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var rest = self
        for (bucket, before) in zip(counts.indices, earlier.counts) {
            rest.counts[bucket] -= min(before, rest.counts[bucket])
        }
        rest.counts.removeLast(rest.counts.reversed().prefix { $0 == 0 }.count)
        return rest
    }

    package var total: UInt64 { counts.reduce(0, &+) }

    /// Returns the given quantile, which is the middle of its bucket; nil if there are no durations.
    ///
    /// - Parameter share: from 0 to 1, for example 0.99.
    package func quantile(_ share: Double) -> Duration? {
        let total = total
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var before = 0.0
        for (bucket, count) in counts.enumerated() where count > 0 {
            before += Double(count)
            if before >= rank {
                let (start, end) = (Self.start(of: bucket), Self.start(of: bucket + 1))
                return .nanoseconds(Int64(clamping: start + (end - start) / 2))
            }
        }
        return .nanoseconds(Int64(clamping: Self.start(of: counts.count)))
    }

    /// Returns the exact number of durations below 1,024 ns times two to the power of `power`.
    package func count(belowPower power: Int) -> UInt64 {
        // The first bucket of that power: (power - 1) * 4.
        guard power >= 2 else { return counts.prefix(1 << max(0, power)).reduce(0, &+) }
        return counts.prefix((power - 1) * 4).reduce(0, &+)
    }

    init(_ words: SharedWords) {
        let last = (0..<Self.bucketCount).last { words[$0] > 0 }
        counts = last.map { last in (0...last).map { words[$0] } } ?? []
    }
}
