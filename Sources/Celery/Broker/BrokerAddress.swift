/// Where a broker is and how to speak with it, read from a URL as Celery's `broker_url`.
///
/// `amqp://user:password@host:5672/vhost`, `amqps://…`, `redis://:password@host:6379/0`,
/// `redis+socket:///run/redis/redis.sock?db=0`. Its description holds no password.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case rabbitMQ
        case redis
    }

    /// What is asked of a broker's certificate.
    package struct TLS: Sendable, Hashable {
        /// The file of the authorities that are trusted; nil for those of SSL_CERT_FILE, or of the system.
        package var authorities: String?
        /// Ours, where the broker asks for one.
        package var certificate: String?
        package var key: String?
        package var isVerifying = true
    }

    package let kind: Kind
    package private(set) var host: String = "localhost"
    package private(set) var port: UInt16
    /// Redis only: the path of its Unix socket.
    package private(set) var socketPath: String?
    package private(set) var user: String?
    package private(set) var password: String?
    package private(set) var virtualHost = "/"
    package private(set) var database = 0
    /// What stands before all keys on Redis (`global_keyprefix`).
    package private(set) var keyPrefix = ""
    package private(set) var tls: TLS?
    /// For a connection to be there.
    package private(set) var connectTimeout: Duration = .seconds(5)
    /// For an answer, and for a confirmation.
    package private(set) var answerTimeout: Duration = .seconds(30)
    /// RabbitMQ only: seconds after twice which a silent peer is taken for dead.
    package private(set) var heartbeat: Int32 = 20

    package init(_ url: String) throws(BrokerError) {
        let shown = Self.withoutPassword(url)
        guard let mark = url.firstRange(of: "://") else {
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
        try readAuthority(rest[..<slash], shown: shown)
        guard let decodedPath = Self.decoded(path) else {
            throw Self.error(shown, "has a broken escape in its path")
        }
        if scheme == "redis+socket" || scheme == "unix" {
            guard decodedPath.utf8.count > 1, decodedPath.utf8.count < 108 else {
                throw Self.error(shown, "needs the path of a socket, of at most 107 bytes")
            }
            socketPath = decodedPath
        } else if kind == .rabbitMQ {
            path = String(decodedPath.dropFirst())
            virtualHost = path.isEmpty ? "/" : path
        } else {
            let number = decodedPath.dropFirst()
            guard number.isEmpty || Int(number) != nil else {
                throw Self.error(shown, "needs a database's number as its path")
            }
            try setDatabase(String(number), shown: shown)
        }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(String(parts[0])),
                let value = Self.decoded(parts.count > 1 ? String(parts[1]) : "")
            else {
                throw Self.error(shown, "has a broken escape in its query")
            }
            try set(name, to: value, shown: shown)
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
                which has none; \
                use redis:// to a tunnel such as stunnel on this machine, or amqps://
                """)
        }
    }

    private mutating func readAuthority(_ authority: Substring, shown: String) throws(BrokerError) {
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
        guard !authority.isEmpty else { return }
        var name = authority
        let bracket = authority.lastIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw Self.error(shown, "has a port that is no number from 1 to 65535")
            }
            port = number
            name = authority[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard let decoded = Self.decoded(String(name)) else { throw Self.error(shown, "has a broken host") }
        if !decoded.isEmpty { host = decoded }
    }

    private mutating func setDatabase(_ text: String, shown: String) throws(BrokerError) {
        guard !text.isEmpty else { return }
        guard let number = Int(text), (0...0xffff).contains(number) else {
            throw Self.error(shown, "has a database that is no number from 0")
        }
        database = number
    }

    private mutating func set(_ name: String, to value: String, shown: String) throws(BrokerError) {
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
            guard let seconds = Int32(value), (1...3_600).contains(seconds) else {
                throw Self.error(shown, "has a heartbeat that is no number of seconds from 1 to 3600")
            }
            heartbeat = seconds
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
            throw Self.error(
                shown, "has the unknown setting \(ContractViolation.quoted(name)); known are \(names)")
        }
    }

    private static func milliseconds(
        _ text: String, _ name: String, _ shown: String
    ) throws(BrokerError) -> Duration {
        guard let number = Int(text), (1...3_600_000).contains(number) else {
            throw error(shown, "has a \(name) that is no number of milliseconds from 1 to 3600000")
        }
        return .milliseconds(number)
    }

    private static func error(_ shown: String, _ reason: String) -> BrokerError {
        BrokerError(
            .address, .settings,
            """
            the broker's URL \(shown) \(reason); \
            expected such as amqp://user:password@host:5672/vhost or redis://host:6379/0
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

    /// The URL for errors and logs, whatever is wrong with it.
    private static func withoutPassword(_ url: String) -> String {
        guard let mark = url.firstRange(of: "://"), let at = url[mark.upperBound...].lastIndex(of: "@"),
            let colon = url[mark.upperBound..<at].firstIndex(of: ":")
        else { return url }
        return url[..<colon] + ":…" + url[at...]
    }

    package var description: String {
        let who = user.map { $0 + "@" } ?? ""
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
