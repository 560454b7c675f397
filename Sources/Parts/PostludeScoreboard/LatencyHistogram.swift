import PostludeSystem

/// A histogram of durations. Its buckets widen: there are four to each power of two, so that quantiles are accurate to
/// an eighth.
package struct LatencyHistogram: Sendable, Equatable {
    /// The buckets cover durations from a microsecond to more than a day; others count in the first or the last one.
    static let bucketCount = 144
    package private(set) var counts: [UInt64]

    package init() { counts = Array(repeating: 0, count: Self.bucketCount) }

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
        counts[Self.bucket(nanoseconds: UInt64(clamping: duration.saturatedNanoseconds))] &+= 1
    }

    package static func += (left: inout LatencyHistogram, right: LatencyHistogram) {
        for bucket in left.counts.indices { left.counts[bucket] &+= right.counts[bucket] }
    }

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var rest = self
        for (bucket, before) in earlier.counts.enumerated() {
            rest.counts[bucket] -= min(before, rest.counts[bucket])
        }
        return rest
    }

    package var total: UInt64 { counts.reduce(0, &+) }

    /// Returns the given quantile, interpolated within its bucket; nil if there are no durations.
    ///
    /// - Parameter share: from 0 to 1, for example 0.99.
    package func quantile(_ share: Double) -> Duration? {
        let total = total
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var before = 0.0
        for (bucket, count) in counts.enumerated() where count > 0 {
            let next = before + Double(count)
            if next >= rank {
                let (start, end) = (Double(Self.start(of: bucket)), Double(Self.start(of: bucket + 1)))
                let nanoseconds = start + (end - start) * max(0, rank - before) / Double(count)
                return .nanoseconds(Int64(nanoseconds))
            }
            before = next
        }
        return .nanoseconds(Int64(clamping: Self.start(of: Self.bucketCount)))
    }

    /// Returns the exact number of durations below 1,024 ns times two to the power of `power`.
    package func count(belowPower power: Int) -> UInt64 {
        // The first bucket of that power: (power - 1) * 4.
        guard power >= 2 else { return counts.prefix(1 << max(0, power)).reduce(0, &+) }
        return counts.prefix((power - 1) * 4).reduce(0, &+)
    }

    init(_ words: SharedWords) {
        counts = (0..<Self.bucketCount).map { words[$0] }
    }
}
