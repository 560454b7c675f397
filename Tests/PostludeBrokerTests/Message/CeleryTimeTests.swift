import Foundation
import PostludeBrokerFixtures
import PostludeSystem
import Testing

@testable import PostludeBroker

@Suite struct CeleryTimeTests {
    @Test func `Times are written as Python writes them`() {
        #expect(CeleryTime.text(Date(timeIntervalSince1970: 0)) == "1970-01-01T00:00:00.000000+00:00")
        #expect(
            CeleryTime.text(Date(timeIntervalSince1970: 951_827_696.25)) == "2000-02-29T12:34:56.250000+00:00"
        )
        #expect(
            CeleryTime.text(Date(timeIntervalSince1970: 253_402_128_000))?.hasPrefix("9999-12-30") == true)
        #expect(CeleryTime.text(Date(timeIntervalSince1970: -1)) == nil)
        #expect(CeleryTime.text(.distantFuture.addingTimeInterval(1e15)) == nil)
        #expect(CeleryTime.text(Date(timeIntervalSince1970: .nan)) == nil)
    }

    @Test(arguments: [
        ("2000-02-29T12:34:56.25+00:00", 951_827_696.25), ("2000-02-29T12:34:56", 951_827_696),
        ("2000-02-29 13:34:56+01:00", 951_827_696), ("2000-02-29T12:34Z", 951_827_640),
        ("2000-02-29T04:04:56-08:30", 951_827_696), ("1969-12-31T23:59:59+00:00", -1),
    ])
    func `Times are read as Python writes them`(text: String, seconds: Double) {
        #expect(CeleryTime.date(text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: [
        "", "2000", "2000-02-30T00:00:00", "2000-13-01T00:00:00", "2000-01-01T24:00:00",
        "2000-01-01T00:00:60",
        "2000-01-01T00:00:00.", "2000-01-01T00:00:00+1:00", "2000-01-01T00:00:00+00:00x",
        "0000-01-01T00:00:00",
        "２000-01-01T00:00:00",
    ])
    func `Text that is not a time is refused`(text: String) { #expect(CeleryTime.date(text) == nil) }

    @Test func `A time that was written can be read`() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<2_000 {
            let date = Date(
                timeIntervalSince1970: Double.random(in: CeleryTime.range, using: &random).rounded())
            #expect(CeleryTime.date(try #require(CeleryTime.text(date))) == date)
        }
    }
}
