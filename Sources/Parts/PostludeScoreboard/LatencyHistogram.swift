import PostludeSystem

/// How long things took, in buckets that widen: four to each power of two, so that a quantile is right to an eighth.
package struct LatencyHistogram: Sendable, Equatable {
    /// From a microsecond to a day; what is shorter or longer counts as that.
    static let bucketCount = 144
    package private(set) var counts: [UInt64]

    package init() { counts = Array(repeating: 0, count: Self.bucketCount) }

    /// The bucket of a duration.
    static func bucket(nanoseconds: UInt64) -> Int {
        let time = nanoseconds >> 10
        // Below four units each has a bucket of its own.
        guard time >= 4 else { return Int(time) }
        let power = 63 - time.leadingZeroBitCount
        let quarter = Int(truncatingIfNeeded: time >> UInt64(power - 2)) & 3
        return min((power - 1) * 4 + quarter, bucketCount - 1)
    }

    /// Where a bucket begins, in nanoseconds; it ends where the next one begins.
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

    /// What has come since `earlier`, of the same counts.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var rest = self
        for (bucket, before) in earlier.counts.enumerated() {
            rest.counts[bucket] -= min(before, rest.counts[bucket])
        }
        return rest
    }

    package var total: UInt64 { counts.reduce(0, &+) }

    /// The duration that so many of all took at most, interpolated within its bucket; nil if there was none.
    ///
    /// - Parameter share: 0 to 1, such as 0.99.
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

    /// How many took less than a power of two of 1,024 ns, exactly.
    package func count(belowPower power: Int) -> UInt64 {
        // The first bucket of that power: (power - 1) * 4.
        guard power >= 2 else { return counts.prefix(1 << max(0, power)).reduce(0, &+) }
        return counts.prefix((power - 1) * 4).reduce(0, &+)
    }

    init(_ words: SharedWords) {
        counts = (0..<Self.bucketCount).map { words[$0] }
    }
}
