internal import CPostludeHiredis
internal import Glibc
internal import PostludeSystem

/// A connection to Redis. It is used by one thread at a time, so it is not `Sendable`.
///
/// The socket is non-blocking. hiredis buffers commands and replies, and this class waits with poll(2). The deadline is that
/// of a whole reply, however slowly its parts arrive.
final class RedisConnection {
    /// The largest number of bytes of replies that are buffered.
    private static let maximumAnswer = 4 * ContractBounds.envelope

    let address: BrokerAddress
    private let context: UnsafeMutablePointer<redisContext>
    private(set) var isClosed = false

    /// Ignores SIGPIPE, unless the application handles it. hiredis writes without MSG_NOSIGNAL, and a connection that the
    /// broker has closed must not end the process.
    private static let isIgnoringBrokenPipes: Bool = {
        var action = sigaction()
        sigaction(SIGPIPE, nil, &action)
        // A handler of the application is not replaced.
        guard action.__sigaction_handler.sa_handler == nil else { return true }
        signal(SIGPIPE, SIG_IGN)
        return true
    }()

    init(_ address: BrokerAddress) throws(BrokerError) {
        _ = Self.isIgnoringBrokenPipes
        self.address = address
        let timeout = timeval(address.connectTimeout)
        let made =
            if let path = address.socketPath {
                redisConnectUnixWithTimeout(path, timeout)
            } else {
                redisConnectWithTimeout(address.host, Int32(address.port), timeout)
            }
        guard let made else { throw BrokerError(.connect, .retry, "\(address): no memory for a connection") }
        context = made
        guard made.pointee.err == 0 else {
            isClosed = true
            throw BrokerError(.connect, .retry, "\(address): cannot connect: \(Self.reason(made))")
        }
        let descriptor = made.pointee.fd
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
        else {
            throw closed("\(SystemError("fcntl"))", code: .connect)
        }
        made.pointee.flags &= ~REDIS_BLOCK
        try logIn()
    }

    deinit { redisFree(context) }

    private func logIn() throws(BrokerError) {
        if let password = address.password {
            try logIn(["AUTH"] + (address.user.map { [$0] } ?? []) + [password])
        }
        if address.database != 0 { try logIn(["SELECT", "\(address.database)"]) }
    }

    private func logIn(_ words: [String]) throws(BrokerError) {
        let reply =
            try pipeline([words.map { Array($0.utf8) }], within: address.connectTimeout).first ?? .null
        guard case .error(let text) = reply else { return }
        isClosed = true
        throw BrokerError(.authentication, .settings, "\(address): \(words[0]) was refused: \(text)")
    }

    // MARK: Commands

    func command(_ words: RedisWord...) throws(BrokerError) -> RedisReply {
        try pipeline([words.map(\.bytes)]).first ?? .null
    }

    /// Sends commands together, and waits for all replies.
    ///
    /// - Throws: an error if the connection fails, or if a reply is an error.
    func commands(_ commands: [[RedisWord]]) throws(BrokerError) -> [RedisReply] {
        let replies = try pipeline(commands.map { $0.map(\.bytes) })
        for reply in replies { try check(reply) }
        return replies
    }

    private func pipeline(_ commands: [[[UInt8]]], within limit: Duration? = nil) throws(BrokerError)
        -> [RedisReply]
    {
        let deadline = MonotonicTime.now + (limit ?? address.answerTimeout)
        for command in commands { try append(command) }
        try flush(until: deadline)
        var replies: [RedisReply] = []
        while replies.count < commands.count {
            guard let reply = try reply(until: deadline) else {
                throw closed("no answer within \(limit ?? address.answerTimeout)", code: .timeout)
            }
            replies.append(reply)
        }
        return replies
    }

    /// Sends commands whose replies are read later, with ``reply(until:orReadable:)``.
    func send(_ commands: [[RedisWord]]) throws(BrokerError) {
        for command in commands { try append(command.map(\.bytes)) }
        try flush(until: .now + address.answerTimeout)
    }

    private func append(_ words: [[UInt8]]) throws(BrokerError) {
        guard !isClosed else { throw closed("the connection is closed") }
        let all = words.flatMap { $0 }
        let status = all.withUnsafeBytes { bytes in
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            var offset = 0
            // hiredis copies the words by their lengths. If all words are empty, they still need an address.
            let empty: StaticString = ""
            let fallback = UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
            var starts: [UnsafePointer<CChar>?] = words.map { word in
                defer { offset += word.count }
                return start.map { $0 + offset } ?? fallback
            }
            let lengths = words.map(\.count)
            return redisAppendCommandArgv(context, Int32(clamping: words.count), &starts, lengths)
        }
        guard status == REDIS_OK else { throw closed("cannot write a command: \(Self.reason(context))") }
    }

    private func flush(until deadline: MonotonicTime) throws(BrokerError) {
        var isDone: Int32 = 0
        while true {
            guard redisBufferWrite(context, &isDone) == REDIS_OK else {
                throw closed("cannot write: \(Self.reason(context))")
            }
            if isDone != 0 { return }
            guard wait(for: POLLOUT, until: deadline) else {
                throw closed("the broker accepted no bytes within \(address.answerTimeout)", code: .timeout)
            }
        }
    }

    /// Returns the next reply to a command that was sent; `nil` if it has not arrived in time, or if `descriptor` is readable.
    /// In both cases it may still arrive.
    func reply(until deadline: MonotonicTime, orReadable descriptor: Int32? = nil) throws(BrokerError)
        -> RedisReply?
    {
        guard !isClosed else { throw closed("the connection is closed") }
        while true {
            var pointer: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &pointer) == REDIS_OK else {
                throw closed("the broker's answer is not a Redis reply: \(Self.reason(context))")
            }
            if let pointer {
                defer { freeReplyObject(pointer) }
                return RedisReply(pointer.load(as: redisReply.self))
            }
            guard wait(for: POLLIN, until: deadline, orReadable: descriptor) else { return nil }
            guard redisBufferRead(context) == REDIS_OK else {
                throw closed("the connection ended: \(Self.reason(context))")
            }
            guard (context.pointee.reader?.pointee.len ?? 0) <= Self.maximumAnswer else {
                throw closed("the broker's answer is larger than \(Self.maximumAnswer) bytes")
            }
        }
    }

    /// Waits until the socket is ready.
    ///
    /// - Parameters:
    ///   - events: the events of poll(2) to wait for.
    ///   - descriptor: ends the wait when it is readable.
    /// - Returns: false at the deadline, or if only `descriptor` is ready.
    private func wait(for events: Int32, until deadline: MonotonicTime, orReadable descriptor: Int32? = nil)
        -> Bool
    {
        while true {
            let rest = max(.zero, deadline - .now).saturatedNanoseconds
            let milliseconds = Int32(clamping: rest / 1_000_000 + (rest % 1_000_000 > 0 ? 1 : 0))
            var polled = [pollfd(fd: context.pointee.fd, events: Int16(events), revents: 0)]
            if let descriptor { polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
            let count = poll(&polled, nfds_t(polled.count), milliseconds)
            if count < 0, errno == EINTR, .now < deadline { continue }
            return polled[0].revents != 0
        }
    }

    /// Throws if a reply is an error, with the remedy that follows from its code.
    func check(_ reply: RedisReply) throws(BrokerError) {
        guard case .error(let text) = reply else { return }
        let remedy: BrokerError.Remedy =
            switch text.split(separator: " ").first {
            case "NOAUTH", "WRONGPASS", "NOPERM", "MOVED", "WRONGTYPE": .settings
            default: .retry
            }
        let advice = text.hasPrefix("ERR unknown command") ? "; Redis 6.2 or later is needed" : ""
        throw BrokerError(
            .answer, advice.isEmpty ? remedy : .settings, "\(address): Redis answered: \(text)\(advice)")
    }

    /// Marks the connection as closed, because it is unknown to which command the next reply belongs, and returns the error.
    func closed(_ reason: String, code: BrokerError.Code = .closed) -> BrokerError {
        isClosed = true
        return BrokerError(code, .retry, "\(address): \(reason)")
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        shutdown(context.pointee.fd, Int32(SHUT_RDWR))
    }

    private static func reason(_ context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: context.pointee.errstr) { bytes in
            let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            return text.isEmpty ? "error \(context.pointee.err)" : text
        }
    }
}

/// A word of a command: text, a number or bytes.
struct RedisWord: ExpressibleByStringInterpolation {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(_ text: String) { bytes = Array(text.utf8) }
    init(stringLiteral value: String) { self.init(value) }
}

/// Redis' reply to a command, copied from hiredis' memory.
enum RedisReply: Hashable, Sendable {
    case null
    case integer(Int64)
    case status(String)
    case bytes([UInt8])
    case array([RedisReply])
    case error(String)

    /// Copies a reply. hiredis itself accepts at most seven levels.
    fileprivate init(_ reply: redisReply, depth: Int = 0) {
        func bytes() -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : reply.len)
        }
        switch reply.type {
        case REDIS_REPLY_STRING: self = .bytes(Array(bytes()))
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_STATUS: self = .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: bytes().prefix(500), as: UTF8.self))
        case REDIS_REPLY_ARRAY where depth < 8:
            let elements = UnsafeBufferPointer(
                start: reply.element, count: reply.element == nil ? 0 : reply.elements)
            self = .array(elements.map { $0.map { RedisReply($0.pointee, depth: depth + 1) } ?? .null })
        default: self = .null
        }
    }
}
