internal import Glibc

/// The notation of a socket's address in the manifest. Host names are not looked up here, but when the socket is bound.
package enum AddressText {
    package static let expectation = "a Unix path such as /run/app.sock, host:port or [ipv6]:port"
    /// The largest length of a Unix socket's path in bytes, without the zero at the end of `sun_path`.
    static let pathBound = 107

    /// Whether an address is a path, not a host and a port.
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
            // A scope such as %eth0 follows the address.
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

/// The notation of addresses and networks that may connect: `127.0.0.1`, `10.0.0.0/8`, `::1`, `fd00::/8`.
enum NetworkText {
    static let expectation = "an address such as 127.0.0.1 or a network such as 10.0.0.0/8 or fd00::/8"

    static func check(_ text: String) throws(ValueMistake) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = bytes(of: String(first)) else {
            throw ValueMistake(expected: expectation)
        }
        guard parts.count == 2 else { return }
        let digits = parts[1]
        let isNumber = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, digits.utf8.count <= 3, let length = Int(digits), length <= address.count * 8 else {
            throw ValueMistake(expected: "a network's length from 0 to \(address.count * 8) after the slash")
        }
        // 10.0.0.1/8 is refused: it may be meant as one host, but as a network it has 16 million addresses.
        let network = masked(address, to: length)
        guard network == address else {
            let suggestion = self.text(of: network).map { "\($0)/\(length)" } ?? "a network"
            throw ValueMistake(expected: "\(suggestion), or \(first) for that address")
        }
    }

    /// Returns the 4 or 16 bytes of an address; `nil` if the text is not an address.
    static func bytes(of text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        return inet_pton(AF_INET6, text, &six) == 1 ? withUnsafeBytes(of: six) { Array($0) } : nil
    }

    private static func masked(_ address: [UInt8], to length: Int) -> [UInt8] {
        address.enumerated().map { index, byte in
            let bits = min(max(length - index * 8, 0), 8)
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> bits)
        }
    }

    private static func text(of address: [UInt8]) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
