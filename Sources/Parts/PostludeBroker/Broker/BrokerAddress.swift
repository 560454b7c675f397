internal import CPostludeHiredis
internal import Glibc
internal import PostludeSystem

/// A broker's address and connection settings, parsed from a URL like Celery's `broker_url`.
///
/// Examples are `amqp://user:password@host:5672/vhost`, `amqps://…`, `redis://:password@host:6379/0` and
/// `redis+socket:///run/redis/redis.sock?db=0`. The description contains no password.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case rabbitMQ
        case redis
    }

    /// The certificates of a TLS connection, and whether that of the broker is verified.
    package struct TLS: Sendable, Hashable {
        /// The file of trusted certificate authorities; `nil` for that of SSL_CERT_FILE, or of the system.
        package var authorities: String?
        /// The file of the client's certificate, if the broker requires one.
        package var certificate: String?
        package var key: String?
        package var isVerifying = true
    }

    package let kind: Kind
    package private(set) var host: String = "localhost"
    package private(set) var port: UInt16
    /// The path of Redis' Unix socket.
    package private(set) var socketPath: String?
    package private(set) var user: String?
    package private(set) var password: String?
    package private(set) var virtualHost = "/"
    package private(set) var database = 0
    /// The prefix of all keys on Redis (`global_keyprefix`).
    package private(set) var keyPrefix = ""
    package private(set) var tls: TLS?
    /// The time within which a connection must be established.
    package private(set) var connectTimeout: Duration = .seconds(5)
    /// The time within which the broker must answer or confirm.
    package private(set) var answerTimeout: Duration = .seconds(30)
    /// The heartbeat interval of RabbitMQ in seconds. A peer that is silent for twice this time is considered dead.
    package private(set) var heartbeat: Int32 = 20

    package init(_ url: String) throws(BrokerError) {
        let shown = Self.withoutSecrets(url)
        guard let mark = url.firstRange(of: "://"), Self.isName(url[..<mark.lowerBound]) else {
            throw Self.error(shown, "has no scheme")
        }
        let scheme = String(url[..<mark.lowerBound])
        switch scheme {
        case "amqp", "pyamqp": (kind, port) = (.rabbitMQ, 5672)
        case "amqps": (kind, port, tls) = (.rabbitMQ, 5671, TLS())
        case "redis", "redis+socket", "unix": (kind, port) = (.redis, 6379)
        case "rediss": (kind, port, tls) = (.redis, 6379, TLS())
        default: throw Self.error(shown, "has the unknown scheme \(ContractViolation.quoted(scheme))")
        }
        var rest = url[mark.upperBound...]
        guard !rest.contains("#") else { throw Self.error(shown, "holds a #; write %23 for it") }
        var query = ""
        if let question = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = String(rest[slash...])
        let isSocket = scheme == "redis+socket" || scheme == "unix"
        try readAuthority(rest[..<slash], ofSocket: isSocket, shown: shown)
        guard let decodedPath = Self.decoded(path) else {
            throw Self.error(shown, "has a broken escape in its path")
        }
        if isSocket {
            guard decodedPath.utf8.count > 1, decodedPath.utf8.count < 108 else {
                throw Self.error(shown, "needs the path of a socket, of at most 107 bytes")
            }
            socketPath = decodedPath
        } else if kind == .rabbitMQ {
            path = String(decodedPath.dropFirst())
            virtualHost = path.isEmpty ? "/" : path
        } else {
            try setDatabase(String(decodedPath.dropFirst()), shown: shown)
        }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(String(parts[0])),
                let value = Self.decoded(parts.count > 1 ? String(parts[1]) : "")
            else {
                throw Self.error(shown, "has a broken escape in its query")
            }
            // With an @ the text may be the rest of a password that holds a ?.
            let isShown = parts.count > 1 && Self.isName(name[...]) && !query.contains("@")
            try set(name, to: value, shown: shown, isNameShown: isShown)
        }
        let texts = [
            host, user, password, virtualHost, socketPath, keyPrefix, tls?.authorities, tls?.certificate,
            tls?.key,
        ]
        guard !texts.contains(where: { $0?.utf8.contains(0) == true }) else {
            throw Self.error(shown, "holds a NUL")
        }
        if kind == .redis, tls != nil {
            throw BrokerError(
                .unsupported, .settings,
                """
                \(shown): TLS to Redis is not possible with the installed hiredis \(HiredisVersion.text), \
                which does not support it; \
                use redis:// to a tunnel such as stunnel on this machine, or amqps://
                """)
        }
    }

    private mutating func readAuthority(
        _ authority: Substring, ofSocket isSocket: Bool, shown: String
    ) throws(BrokerError) {
        var authority = authority
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts.first.map(String.init) ?? "") else {
                throw Self.error(shown, "has a broken escape in its user")
            }
            user = name.isEmpty ? nil : name
            if parts.count > 1 {
                guard let word = Self.decoded(String(parts[1])) else {
                    throw Self.error(shown, "has a broken escape in its password")
                }
                password = word
            }
            authority = authority[authority.index(after: at)...]
        }
        if isSocket {
            guard authority.isEmpty else {
                throw Self.error(shown, "has a host before the socket's path; write redis+socket:///path")
            }
        } else if !authority.isEmpty || user != nil || password != nil {
            try readPlace(authority, shown: shown)
        }
    }

    /// Reads `host`, `host:port`, `[::1]` or `[::1]:port`.
    private mutating func readPlace(_ place: Substring, shown: String) throws(BrokerError) {
        var name = place
        var rest = ""[...]
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else {
                throw Self.error(shown, "has a [ without a ] after the IPv6 address")
            }
            name = place[place.index(after: place.startIndex)..<end]
            rest = place[place.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw Self.error(shown, "has something other than a port after the ]")
            }
        } else if let colon = place.firstIndex(of: ":") {
            name = place[..<colon]
            rest = place[colon...]
            guard !rest.dropFirst().contains(":") else {
                throw Self.error(shown, "has more than one : in its host; write an IPv6 address as [::1]")
            }
        }
        if !rest.isEmpty {
            guard let number = Self.number(rest.dropFirst(), in: 1...65_535) else {
                throw Self.error(shown, "has a port that is not a number from 1 to 65535")
            }
            port = UInt16(clamping: number)
        }
        guard let host = Self.decoded(String(name)) else { throw Self.error(shown, "has a broken host") }
        guard !host.isEmpty else { throw Self.error(shown, "has no host") }
        if place.hasPrefix("[") {
            var address = in6_addr()
            // The name of a network interface follows a `%`.
            guard inet_pton(AF_INET6, String(host.prefix { $0 != "%" }), &address) == 1 else {
                throw Self.error(shown, "has no IPv6 address between [ and ]")
            }
        } else {
            let foreign = host.unicodeScalars.first {
                $0.properties.isWhitespace || $0.properties.generalCategory == .control
                    || "[]<>\"\\^`{|}".unicodeScalars.contains($0)
            }
            if let foreign {
                throw Self.error(
                    shown, "has \(ContractViolation.quoted(String(Character(foreign)))) in its host")
            }
        }
        self.host = host
    }

    /// Returns a number of digits only; `nil` if the text has a sign or a space, or if the number is not in the range.
    private static func number(_ text: some StringProtocol, in range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text), range.contains(number)
        else { return nil }
        return number
    }

    private mutating func setDatabase(_ text: String, shown: String) throws(BrokerError) {
        guard !text.isEmpty else { return }
        guard let number = Self.number(text, in: 0...0xffff) else {
            throw Self.error(shown, "has a database that is not a number from 0 to 65535")
        }
        database = number
    }

    private mutating func set(
        _ name: String, to value: String, shown: String, isNameShown: Bool
    ) throws(BrokerError) {
        switch (name, kind) {
        case ("cacertfile", _) where tls != nil: tls?.authorities = value
        case ("certfile", _) where tls != nil: tls?.certificate = value
        case ("keyfile", _) where tls != nil: tls?.key = value
        case ("verify", _) where tls != nil:
            guard value == "verify_peer" || value == "verify_none" else {
                throw Self.error(shown, "has a verify that is neither verify_peer nor verify_none")
            }
            tls?.isVerifying = value == "verify_peer"
        case ("heartbeat", .rabbitMQ):
            guard let seconds = Self.number(value, in: 1...3_600) else {
                throw Self.error(shown, "has a heartbeat that is not a number of seconds from 1 to 3600")
            }
            heartbeat = Int32(clamping: seconds)
        case ("connection_timeout", _): connectTimeout = try Self.milliseconds(value, name, shown)
        case ("answer_timeout", _): answerTimeout = try Self.milliseconds(value, name, shown)
        case ("db", .redis), ("virtual_host", .redis): try setDatabase(value, shown: shown)
        case ("global_keyprefix", .redis): keyPrefix = value
        default:
            let known =
                (tls != nil ? ["cacertfile", "certfile", "keyfile", "verify"] : [])
                + (kind == .redis ? ["db", "global_keyprefix"] : ["heartbeat"])
                + ["connection_timeout", "answer_timeout"]
            let names = known.joined(separator: ", ")
            let setting =
                isNameShown ? "the unknown setting \(ContractViolation.quoted(name))" : "an unknown setting"
            throw Self.error(shown, "has \(setting); known are \(names)")
        }
    }

    private static func milliseconds(
        _ text: String, _ name: String, _ shown: String
    ) throws(BrokerError) -> Duration {
        guard let number = number(text, in: 1...3_600_000) else {
            throw error(shown, "has a \(name) that is not a number of milliseconds from 1 to 3600000")
        }
        return .milliseconds(number)
    }

    private static func error(_ shown: String, _ reason: String) -> BrokerError {
        BrokerError(
            .address, .settings,
            """
            the broker's URL \(shown) \(reason); \
            expected a URL such as amqp://user:password@host:5672/vhost or redis://host:6379/0
            """
        )
    }

    private static func decoded(_ text: String) -> String? {
        var result: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let high = bytes.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }),
                let low = bytes.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue })
            else { return nil }
            result.append(UInt8(high << 4 | low))
        }
        return String(validating: result, as: UTF8.self)
    }

    /// Whether the text has only characters of a scheme (RFC 3986, 3.1) or of a setting's name.
    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "+-._".utf8.contains($0)
                }
            }
    }

    /// Returns a URL, valid or not, for errors, with an ellipsis for each part that may hold a password.
    ///
    /// These are the text before an `@`, the values of settings, a port that is not a number (it is a password if the host
    /// was forgotten), and all text whose part of the URL is not known.
    private static func withoutSecrets(_ url: String) -> String {
        guard let mark = url.firstRange(of: "://"), isName(url[..<mark.lowerBound]) else { return "…" }
        let scheme = url[..<mark.upperBound]
        var rest = url[mark.upperBound...]
        var user = ""
        if let at = rest.lastIndex(of: "@") {
            let before = rest[..<at]
            // The @ may belong to a setting's value, or the ? to a password.
            guard !before.contains("?"), !before.contains("#") else { return scheme + "…" }
            let name = before.firstIndex(of: ":").map { before[...$0] } ?? ""
            user = "\(name)…@"
            rest = rest[rest.index(after: at)...]
        }
        if let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) {
            rest = rest[...end] + "…"
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if user.isEmpty, !authority.hasPrefix("["), let colon = authority.firstIndex(of: ":"),
            !authority[authority.index(after: colon)...].utf8.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            })
        {
            return scheme + rest[...colon] + "…"
        }
        return scheme + user + rest
    }

    package var description: String {
        // Redis uses a user only with a password. One without is often a password whose colon was forgotten.
        let who = user.map { kind == .redis && password == nil ? "…@" : $0 + "@" } ?? ""
        let place = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        switch kind {
        case .rabbitMQ:
            return
                "amqp\(tls == nil ? "" : "s")://\(who)\(place)\(virtualHost == "/" ? "" : "/\(virtualHost)")"
        case .redis:
            return socketPath.map { "redis+socket://\($0)?db=\(database)" }
                ?? "redis://\(who)\(place)/\(database)"
        }
    }
}

private enum HiredisVersion {
    static var text: String { "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)" }
}

/// Conversion of durations for librabbitmq and hiredis.
extension timeval {
    init(_ duration: Duration) {
        let microseconds = duration.saturatedNanoseconds / 1_000
        self.init(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
