import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Cookie")
struct CookieTests {
    private func text(_ cookie: Cookie) -> String { cookie.text }

    @Test("by default it is for TLS only, hidden from scripts, and not sent by other sites")
    func defaults() throws {
        #expect(
            text(try Cookie(name: "session", value: "a1"))
                == "session=a1; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    @Test("every attribute is written")
    func attributes() throws {
        let cookie = try Cookie(
            name: "a", value: "b", maxAge: .seconds(3600), expires: Date(timeIntervalSince1970: 784_111_777),
            domain: "example.org", path: "/shop", isHTTPOnly: false, sameSite: .none, isPartitioned: true)
        #expect(
            text(cookie)
                == "a=b; Path=/shop; Domain=example.org; Max-Age=3600; "
                + "Expires=Sun, 06 Nov 1994 08:49:37 GMT; Secure; SameSite=None; Partitioned")
        #expect(
            text(try Cookie(name: "a", value: "", isSecure: false)) == "a=; Path=/; HttpOnly; SameSite=Lax")
    }

    @Test(
        "an age is in whole seconds, and a short one does not remove the cookie",
        arguments: [
            (Duration.milliseconds(1), 1), (.seconds(2), 2), (.zero, 0), (.seconds(-5), 0),
        ])
    func age(age: Duration, seconds: Int) throws {
        #expect(text(try Cookie(name: "a", value: "b", maxAge: age)).contains("; Max-Age=\(seconds);"))
    }

    @Test(
        "a name that is not a token is an error",
        arguments: ["", "a b", "a=b", "a;b", "a\r\nb", "a\0", "ä", "a,b", "a\"", "a/b"])
    func names(name: String) {
        #expect(throws: CookieError.self) { try Cookie(name: name, value: "v") }
    }

    @Test(
        "a value that clients would cut or join is an error",
        arguments: [
            "a b", "a;b", "a; Domain=evil.example", "a,b", "a\"b", "a\\b", "a\r\nb", "ä", "a\0", "\t",
        ])
    func values(value: String) {
        #expect(throws: CookieError.self) { try Cookie(name: "n", value: value) }
    }

    @Test("valid values", arguments: ["", "a=b=", "!#$%&'()*+-./:<=>?@[]^_`{|}~", "YWJj"])
    func goodValues(value: String) throws {
        #expect(try Cookie(name: "n", value: value).text.hasPrefix("n=\(value); "))
    }

    @Test("an attribute cannot begin another one")
    func attributeInjection() {
        for path in ["/a; Domain=x", "/a\r\nX: y", "a", "", "/ä"] {
            #expect(throws: CookieError.self, "\(path)") { try Cookie(name: "n", value: "v", path: path) }
        }
        for domain in ["a; Path=/", "", ".example.org", "exa mple.org", "a..b", "ä.example", "a\r\n"] {
            #expect(throws: CookieError.self, "\(domain)") {
                try Cookie(name: "n", value: "v", domain: domain)
            }
        }
    }

    @Test("the clients' rules for a name's prefix apply here")
    func prefixes() throws {
        #expect(try Cookie(name: "__Host-a", value: "v").text.hasPrefix("__Host-a=v; Path=/; Secure"))
        #expect(throws: CookieError.self) { try Cookie(name: "__Host-a", value: "v", domain: "example.org") }
        #expect(throws: CookieError.self) { try Cookie(name: "__hOST-a", value: "v", path: "/a") }
        #expect(throws: CookieError.self) { try Cookie(name: "__Host-a", value: "v", isSecure: false) }
        #expect(throws: CookieError.self) { try Cookie(name: "__Secure-a", value: "v", isSecure: false) }
        #expect(throws: CookieError.self) { try Cookie(name: "__Http-a", value: "v", isHTTPOnly: false) }
        #expect(throws: CookieError.self) { try Cookie(name: "__Host-Http-a", value: "v", isHTTPOnly: false) }
        _ = try Cookie(name: "__Secure-a", value: "v", domain: "example.org", path: "/a")
    }

    @Test("an attribute that needs Secure is an error that says so")
    func secure() {
        #expect(throws: CookieError.self) {
            try Cookie(name: "a", value: "v", isSecure: false, sameSite: .none)
        }
        #expect(throws: CookieError.self) {
            try Cookie(name: "a", value: "v", isSecure: false, isPartitioned: true)
        }
    }

    @Test("a cookie over the 4,096 bytes that clients accept is an error")
    func length() throws {
        _ = try Cookie(name: "n", value: String(repeating: "v", count: 4095))
        #expect(throws: CookieError.self) {
            try Cookie(name: "n", value: String(repeating: "v", count: 4096))
        }
    }

    @Test("an error names the cookie and the reason")
    func description() {
        #expect(throws: CookieError.self) { try Cookie(name: "theme", value: "very dark") }
        do {
            _ = try Cookie(name: "theme", value: "very dark")
        } catch {
            #expect("\(error)".contains("\"theme\"") && "\(error)".contains("encode it"))
        }
    }

    @Test("several cookies are several fields, and a removal is an expired cookie")
    func fields() throws {
        var response = Response.text("")
        response.setCookie(try Cookie(name: "a", value: "1"))
        response.setCookie(try Cookie(name: "b", value: "2"))
        try response.deleteCookie("__Host-c")
        #expect(
            response.headers[values: .setCookie] == [
                "a=1; Path=/; Secure; HttpOnly; SameSite=Lax", "b=2; Path=/; Secure; HttpOnly; SameSite=Lax",
                "__Host-c=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; "
                    + "SameSite=Lax",
            ])
    }
}
