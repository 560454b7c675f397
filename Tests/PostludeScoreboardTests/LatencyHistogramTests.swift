import Testing

@testable import PostludeScoreboard

@Suite("Latencies in buckets")
struct LatencyHistogramTests {
    @Test("Each bucket begins at the end of the one before it")
    func buckets() {
        for bucket in 1..<LatencyHistogram.bucketCount {
            let start = LatencyHistogram.start(of: bucket)
            #expect(start > LatencyHistogram.start(of: bucket - 1))
            #expect(LatencyHistogram.bucket(nanoseconds: start) == bucket)
            #expect(LatencyHistogram.bucket(nanoseconds: start - 1) == bucket - 1)
        }
        #expect(LatencyHistogram.bucket(nanoseconds: 0) == 0)
        #expect(LatencyHistogram.bucket(nanoseconds: .max) == LatencyHistogram.bucketCount - 1)
    }

    @Test("Quantiles are right to an eighth")
    func quantiles() throws {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        for microseconds in 1...100_000 { histogram.add(.microseconds(microseconds)) }
        for share in [0.01, 0.5, 0.9, 0.99, 1] {
            let found = try #require(histogram.quantile(share))
            let exact = Duration.microseconds(100_000 * share)
            #expect(found > exact * 0.875 && found < exact * 1.125, "\(share): \(found) for \(exact)")
        }
    }

    @Test("A quantile is at most an eighth too large or too small, wherever in its bucket the durations are")
    func error() throws {
        for bucket in 4..<LatencyHistogram.bucketCount - 1 {
            let (start, end) = (LatencyHistogram.start(of: bucket), LatencyHistogram.start(of: bucket + 1))
            for nanoseconds in [start, end - 1].map(Int64.init) {
                var histogram = LatencyHistogram()
                histogram.add(.nanoseconds(nanoseconds))
                let found = try #require(histogram.quantile(0.99)) / Duration.nanoseconds(nanoseconds)
                #expect((0.875...1.125).contains(found), "\(nanoseconds) ns")
            }
        }
    }

    @Test("Histograms of different lengths are added and compared, and a difference of nothing is empty")
    func lengths() {
        var (short, long) = (LatencyHistogram(), LatencyHistogram())
        short.add(.microseconds(1))
        long.add(.seconds(1))
        var sum = short
        sum += long
        var other = long
        other += short
        #expect(sum == other && sum.total == 2)
        #expect(
            sum.since(long) == short && sum.since(short).total == 1 && short.since(sum) == LatencyHistogram())
    }

    @Test("The count below a power of two is exact")
    func powers() {
        var histogram = LatencyHistogram()
        for nanoseconds in [0, 1023, 1024, 2047, 2048, 4095, 4096, 8191, 8192, 1_048_575, 1_048_576] {
            histogram.add(.nanoseconds(nanoseconds))
        }
        #expect((0...4).map { histogram.count(belowPower: $0) } == [2, 4, 6, 8, 9].map(UInt64.init))
        #expect(histogram.count(belowPower: 10) == 10 && histogram.count(belowPower: 11) == 11)
    }
}
