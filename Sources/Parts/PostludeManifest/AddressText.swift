internal import Glibc

/// Where a socket is bound, as the manifest writes it. Binding it looks up a host name; this does not.
package enum AddressText {
    package static let expectation = "a Unix path such as /run/app.sock, host:port or [ipv6]:port"
    /// Bytes of a Unix socket's path, without the zero at the end of `sun_path`.
    static let pathBound = 107

    /// Whether it is a path, and not a host and a port.
    package static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") || text.hasPrefix("./")
    }

    package static func isAddress(_ text: String) -> Bool {
        do throws(ValueMistake) {
            try check(text)
            return true
        } catch {
            return false
        }
    }

    static func check(_ text: String) throws(ValueMistake) {
        guard !isPath(text) else { return try checkPath(text) }
        guard let colon = text.lastIndex(of: ":"), isPort(text[text.index(after: colon)...]) else {
            throw ValueMistake(expected: expectation)
        }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            // A scope such as %eth0 stands after the address.
            let address = host.dropFirst().dropLast().prefix { $0 != "%" }
            guard NetworkText.bytes(of: String(address))?.count == 16 else {
                throw ValueMistake(expected: expectation)
            }
        } else if NetworkText.bytes(of: String(host))?.count == 16 || NetworkText.bytes(of: text) != nil {
            throw ValueMistake(expected: "an IPv6 address in brackets and a port such as [::1]:9000")
        } else if host.isEmpty || !host.utf8.allSatisfy(isHostByte) {
            throw ValueMistake(expected: expectation)
        }
    }

    private static func checkPath(_ path: String) throws(ValueMistake) {
        guard path.utf8.count <= pathBound else {
            throw ValueMistake(expected: "a Unix path of at most \(pathBound) bytes")
        }
        guard !path.hasSuffix("/"), !path.utf8.contains(0) else { throw ValueMistake(expected: expectation) }
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && UInt16(text).map { $0 > 0 } == true
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._".utf8.contains(byte)
        }
    }
}
