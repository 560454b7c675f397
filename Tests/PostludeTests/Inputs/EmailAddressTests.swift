import Foundation
import Testing

@testable import Postlude

@Suite("EmailAddress")
struct EmailAddressTests {
    @Test(
        "valid addresses are accepted",
        arguments: [
            "a@b.example", "first.last@example.com", "a+tag@sub.domain.example.org", "o'brien@example.ie",
            "!#$%&'*+-/=?^_`{|}~@example.com", "1@2.example", "a@1.2.3.example", "x@xn--bcher-kva.example",
            "a@b-c.example", "_@example.com",
        ])
    func valid(text: String) throws {
        let address = try #require(EmailAddress(text))
        #expect(address.description == text)
        #expect(address.local + "@" + address.domain == text)
        #expect(EmailAddress(address.description) == address)
    }

    @Test(
        "other texts are refused",
        arguments: [
            "", "@", "a", "a@", "@b.example", "a@b", "a@localhost", "a@@b.example", "a@b@c.example",
            "a b@c.example",
            "a@b c.example", " a@b.example", "a@b.example ", ".a@b.example", "a.@b.example", "a..b@c.example",
            "a@.example", "a@b..example", "a@b.example.", "a@-b.example", "a@b-.example", "a@b_c.example",
            "a@[127.0.0.1]", "\"a b\"@c.example", "a@b.example,c@d.example", "A <a@b.example>",
            "a@b.example;",
            "a(comment)@b.example", "a\\@b.example", "<a@b.example>",
        ])
    func invalid(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test(
        "no address can begin another line of a message",
        arguments: [
            "a@b.example\r\nBcc: c@d.example", "a\r\n@b.example", "a@b.example\n", "a@b.example\r",
            "\na@b.example",
            "a@b\r\n.example", "a\0@b.example", "a@b.example\0", "a\t@b.example", "a@b.example\u{85}",
            "a@b.example\u{2028}", "a\u{7f}@b.example",
        ])
    func lines(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test(
        "only ASCII is accepted, whatever Unicode maps to it",
        arguments: [
            "ä@b.example", "a@bä.example", "a@b.exampl\u{435}", "a@ban\u{212a}.example", "a@b.\u{130}o",
            "a@\u{ff42}.example", "a\u{ff20}b.example", "a@\u{301}b.example", "a@b.example\u{301}",
            "a\u{200b}@b.example",
            "a@b\u{3002}example", "\u{1f600}@b.example",
        ])
    func unicode(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test("the parts have the length limits of RFC 5321")
    func lengths() {
        func text(_ count: Int) -> String { String(repeating: "a", count: count) }
        #expect(EmailAddress(text(64) + "@b.example") != nil)
        #expect(EmailAddress(text(65) + "@b.example") == nil)
        #expect(EmailAddress("a@" + text(63) + ".example") != nil)
        #expect(EmailAddress("a@" + text(64) + ".example") == nil)
        let domain = [text(63), text(63), text(54), "example"].joined(separator: ".")
        #expect(EmailAddress(text(254 - 1 - domain.count) + "@" + domain) != nil)
        #expect(EmailAddress(text(255 - 1 - domain.count) + "@" + domain) == nil)
        #expect(EmailAddress(text(1_000_000) + "@b.example") == nil)
    }

    @Test("the domain is stored in lower case, the local part unchanged")
    func letterCase() throws {
        let address = try #require(EmailAddress("John.Doe@EXAMPLE.Com"))
        #expect(address.description == "John.Doe@example.com")
        #expect(address == EmailAddress("John.Doe@example.com"))
        #expect(address != EmailAddress("john.doe@example.com"))
    }

    @Test("it is encoded as its text, and decoded from it")
    func coding() throws {
        let address = try #require(EmailAddress("a@b.example"))
        let data = try JSONEncoder().encode([address])
        #expect(String(decoding: data, as: UTF8.self) == #"["a@b.example"]"#)
        #expect(try JSONDecoder().decode([EmailAddress].self, from: data) == [address])
    }
}
