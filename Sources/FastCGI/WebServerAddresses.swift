import Glibc

/// The web servers that may connect: FCGI_WEB_SERVER_ADDRS (FastCGI specification, 3.2), here with IPv6 too.
///
/// The list concerns TCP; a Unix socket is guarded by its file mode.
package struct WebServerAddresses: Sendable {
    /// 16 bytes each; an IPv4 address is kept in its IPv4-mapped form, which is what a dual-stack listener sees.
    private let allowed: Set<[UInt8]>?

    /// - Parameter list: addresses separated by commas; nil or an empty list allows everyone.
    package init(_ list: String?) throws(ListenError) {
        let items = (list ?? "").split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        var allowed: Set<[UInt8]> = []
        for item in items {
            guard let address = Self.parse(item) else { throw .webServerAddress(item) }
            allowed.insert(address)
        }
        self.allowed = allowed.isEmpty ? nil : allowed
    }

    package func allows(_ peer: SocketAddress) -> Bool {
        guard let allowed else { return true }
        switch peer {
        case .unix: return true
        case .ipv4(let address, _): return allowed.contains(Self.mapped(address))
        case .ipv6(let address, _, _): return allowed.contains(address)
        }
    }

    private static func parse(_ text: String) -> [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return mapped(UInt32(bigEndian: v4.s_addr)) }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return withUnsafeBytes(of: v6) { Array($0) }
    }

    private static func mapped(_ address: UInt32) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: address >> (24 - 8 * $0)) }
        return [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + bytes
    }
}
