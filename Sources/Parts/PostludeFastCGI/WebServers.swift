import Glibc
import PostludeSystem

/// The web servers that may connect: over TCP by address, as FCGI_WEB_SERVER_ADDRS (FastCGI specification, 3.2) and the
/// manifest list them; over a Unix socket by user, in addition to the file's mode.
package struct WebServers: Sendable {
    /// The first `bits` of an address of 16 bytes. An IPv4 address is kept in its IPv4-mapped form, which is
    /// what a dual-stack listener sees.
    private struct Network: Sendable {
        let address: [UInt8]
        let bits: Int

        func contains(_ other: [UInt8]) -> Bool {
            guard other.count == address.count else { return false }
            let whole = bits / 8
            guard address.prefix(whole).elementsEqual(other.prefix(whole)) else { return false }
            guard bits % 8 > 0, whole < address.count else { return true }
            return (address[whole] ^ other[whole]) >> (8 - bits % 8) == 0
        }
    }

    /// The networks from which web servers may connect; empty if all addresses are allowed.
    private let networks: [Network]
    /// The ids of the users who may connect to a Unix socket; empty if all users are allowed.
    private let users: Set<uid_t>

    /// - Parameters:
    ///   - list: addresses separated by commas; nil or an empty list names none.
    ///   - networks: addresses and networks (`10.0.0.0/8`, `fd00::/8`), besides those of `list`. With
    ///     neither, every address is allowed.
    ///   - users: by name or number; empty for all.
    package init(_ list: String?, networks: [String] = [], users: [String] = []) throws(ListenError) {
        let items = (list ?? "").split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        var allowed: [Network] = []
        for item in items {
            guard !item.contains("/"), let network = Self.network(item) else {
                throw .webServerAddress(item)
            }
            allowed.append(network)
        }
        for item in networks {
            guard let network = Self.network(item) else { throw .allowedNetwork(item) }
            allowed.append(network)
        }
        self.networks = allowed
        var numbers: Set<uid_t> = []
        for user in users {
            guard let number = userID(user) else { throw .unknownUser(user) }
            numbers.insert(number)
        }
        self.users = numbers
    }

    /// Checks whether a peer may connect.
    ///
    /// - Returns: the reason for a refusal; nil if the peer is allowed.
    func refusal(of peer: SocketAddress, on descriptor: Int32) -> ConnectionEnd? {
        switch peer {
        case .unix:
            guard !users.isEmpty else { return nil }
            guard let user = peerUser(of: descriptor) else { return .foreignPeer(peer) }
            return users.contains(user) ? nil : .foreignUser(user)
        case .ipv4(let address, _): return isAllowed(Self.mapped(address)) ? nil : .foreignPeer(peer)
        case .ipv6(let address, _, _): return isAllowed(address) ? nil : .foreignPeer(peer)
        }
    }

    private func isAllowed(_ address: [UInt8]) -> Bool {
        networks.isEmpty || networks.contains { $0.contains(address) }
    }

    private static func network(_ text: String) -> Network? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first, let (address, width) = parse(String(host)) else { return nil }
        guard parts.count > 1 else { return Network(address: address, bits: 128) }
        let digits = parts[1]
        guard let bits = Int(digits), bits >= 0, bits <= width, digits.allSatisfy(\.isNumber) else {
            return nil
        }
        return Network(address: address, bits: 128 - width + bits)
    }

    /// Parses an IP address. Returns it as 16 bytes, with the number of bits of an address of its family (32 or 128); nil
    /// if `text` is not an IP address.
    private static func parse(_ text: String) -> (address: [UInt8], width: Int)? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return (mapped(UInt32(bigEndian: v4.s_addr)), 32) }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return (withUnsafeBytes(of: v6) { Array($0) }, 128)
    }

    private static func mapped(_ address: UInt32) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: address >> (24 - 8 * $0)) }
        return [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + bytes
    }
}
