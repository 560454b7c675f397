internal import Glibc

/// Addresses and networks that may connect: `127.0.0.1`, `10.0.0.0/8`, `::1`, `fd00::/8`.
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
            throw ValueMistake(expected: "a network's length from 0 to \(address.count * 8) behind the slash")
        }
        // The author of 10.0.0.1/8 may mean one host: as a network, it is 16 million.
        let network = masked(address, to: length)
        guard network == address else {
            let suggestion = self.text(of: network).map { "\($0)/\(length)" } ?? "a network"
            throw ValueMistake(expected: "\(suggestion), or \(first) for the one address")
        }
    }

    /// The 4 or 16 bytes of an address; `nil` when it is none.
    static func bytes(of text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        return inet_pton(AF_INET6, text, &six) == 1 ? withUnsafeBytes(of: six) { Array($0) } : nil
    }

    private static func masked(_ address: [UInt8], to length: Int) -> [UInt8] {
        address.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    private static func text(of address: [UInt8]) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
