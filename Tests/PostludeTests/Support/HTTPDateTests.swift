import Testing

@testable import Postlude

@Suite("HTTPDate")
struct HTTPDateTests {
    @Test(
        "each form that a recipient must accept is read",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ])
    func forms(text: String) {
        #expect(HTTPDate(text)?.seconds == 784_111_777)
    }

    @Test(
        "a written date can be read",
        arguments: [0, 1, -1, 951_782_399, 951_782_400, 4_102_444_800, 253_402_300_799, -62_167_219_200])
    func roundTrip(seconds: Int) {
        let date = HTTPDate(seconds: seconds)
        #expect(HTTPDate(date.description) == date)
        #expect(date.description.utf8.count == 29 && date.description.hasSuffix(" GMT"))
    }

    @Test("a date beyond the format is its last one")
    func extremes() {
        #expect(HTTPDate(seconds: .max).description == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate(seconds: .min).description.hasSuffix("0000 00:00:00 GMT"))
    }

    @Test(
        "invalid text is not a date",
        arguments: [
            "", "now", "Sun, 31 Feb 2021 00:00:00 GMT", "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 +8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        ])
    func noDate(text: String) {
        #expect(HTTPDate(text) == nil)
    }

    @Test("a leap second is the second before it")
    func leapSecond() {
        #expect(HTTPDate("Sat, 31 Dec 2016 23:59:60 GMT") == HTTPDate("Sat, 31 Dec 2016 23:59:59 GMT"))
    }

    @Test("a leap day is valid only in a leap year")
    func leapDay() {
        #expect(HTTPDate("Tue, 29 Feb 2000 00:00:00 GMT")?.seconds == 951_782_400)
        #expect(HTTPDate("Thu, 29 Feb 1900 00:00:00 GMT") == nil)
    }

    @Test("dates are ordered by time")
    func order() {
        #expect(HTTPDate(seconds: 1) < HTTPDate(seconds: 2))
    }
}
