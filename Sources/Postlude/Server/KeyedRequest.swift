internal import HTTPTypes
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem

/// A request with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07), from before its handler is called until
/// its answer is persisted.
final class KeyedRequest {
    /// The answer to the first request with the key; nil if this is the first one.
    let replay: Response?
    private let key: RequestKey
    private let fingerprint: [UInt8]
    private let keep: Duration
    /// Keeps others from answering a request with the key.
    private let lock: (any Sendable)?

    /// Begins a request of a route that takes keys.
    ///
    /// - Returns: nil if the request has no key, and needs none.
    /// - Throws: ``HTTPError`` for a request that is not answered: a key is missing or malformed (400), the key's first request
    ///   is being answered (409), or was another one (422). `KeyNotBegun` (503) if the store cannot say.
    init?(_ request: Request, _ settings: Manifest.Idempotency) throws {
        guard let text = try IdempotencyKeyField.key(in: request.headers) else {
            if settings.key == .required { throw HTTPError(.badRequest, IdempotencyKeyField.missing) }
            return nil
        }
        let storage = request.storage
        guard let store = storage.tasks.registry.store else { throw NoStoreForKeys(route: storage.route) }
        let key = RequestKey(
            route: "\(storage.method.rawValue) \(storage.route)",
            principals: storage.dependencies?.principals ?? [], key: text)
        let fingerprint = Self.fingerprint(of: request)
        let state: RequestKeyState
        do {
            state = try store.begin(key)
        } catch let error as HTTPError {
            throw error
        } catch {
            throw KeyNotBegun(reason: error)
        }
        switch state {
        case .first(let lock):
            self.lock = lock
            replay = nil
        case .inFlight:
            throw HTTPError(
                .conflict, "A request with this Idempotency-Key is still being answered; repeat it later",
                headers: [.retryAfter: "1"])
        case .answered(let answer):
            guard answer.fingerprint == fingerprint else {
                throw HTTPError(
                    .unprocessableContent,
                    "This Idempotency-Key was used for another request; use a new key for each request")
            }
            lock = nil
            replay = Response(answer)
        case .full: throw KeyNotBegun(reason: AnswersFull())
        }
        self.key = key
        self.fingerprint = fingerprint
        keep = settings.keep
    }

    /// The largest body of an answer that is kept, in bytes.
    static let bodyLimit = 256 << 10

    /// Returns what is persisted of the first answer.
    ///
    /// - Throws: an error if the response cannot be kept, which is an error of the handler.
    func answer(_ response: Response) throws(AnswerNotKept) -> PersistedAnswer {
        guard let body = response.body.bytes else { throw .notInMemory }
        guard body.count <= Self.bodyLimit else { throw .tooLarge(body.count) }
        return PersistedAnswer(
            key: key, fingerprint: fingerprint, status: response.status.code,
            reason: response.status.reasonPhrase, contentType: response.contentType,
            // The time of the first answer would be wrong in the second one.
            fields: response.headers.filter { $0.name != .date }.map { ($0.name.rawName, $0.value) },
            body: body, keep: keep)
    }

    /// A digest of all that makes a request another one: its method, path, query, content type and body.
    private static func fingerprint(of request: Request) -> [UInt8] {
        let storage = request.storage
        var digest = SHA256()
        digest.update(part: storage.method.rawValue.utf8)
        digest.update(part: storage.path.bytes)
        digest.update(part: storage.path.query)
        digest.update(part: storage.head.value("CONTENT_TYPE") ?? [])
        digest.update(part: storage.body.bytes)
        return digest.finalize()
    }
}

/// The header `Idempotency-Key`.
enum IdempotencyKeyField {
    static let missing = """
        This request needs the header Idempotency-Key, with a new value such as a UUID for each request that is not a repetition
        """
    private static let name = HTTPField.Name("Idempotency-Key")
    private static let limit = 255

    /// Returns the key: the content of a string (RFC 9651, 3.3.3), as the draft has it, or text without quotes, as many clients
    /// send it.
    ///
    /// - Returns: nil if there is no such header.
    /// - Throws: ``HTTPError``: 400 for a header that is repeated, or has another value.
    static func key(in headers: HTTPFields) throws -> String? {
        guard let name else { return nil }
        let values = headers[values: name]
        guard let value = values.first else { return nil }
        guard values.count == 1, let key = key(Array(value.utf8)), 1...limit ~= key.count else {
            throw HTTPError(
                .badRequest,
                "Idempotency-Key must be one string of 1 to \(limit) bytes, in quotes or without spaces, such as a UUID"
            )
        }
        return String(decoding: key, as: UTF8.self)
    }

    private static func key(_ value: [UInt8]) -> [UInt8]? {
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        let text = value.trimmingPrefix { blanks.contains($0) }
        let end = text.lastIndex { !blanks.contains($0) }.map { $0 + 1 } ?? text.startIndex
        let content = text[..<end]
        let (quote, escape) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        guard content.first == quote else {
            let others = [quote, escape, UInt8(ascii: ","), UInt8(ascii: ";")]
            return content.allSatisfy { 0x21...0x7e ~= $0 && !others.contains($0) } ? Array(content) : nil
        }
        var key: [UInt8] = []
        var rest = content.dropFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case quote: return rest.isEmpty ? key : nil
            case escape:
                guard let escaped = rest.popFirst(), escaped == quote || escaped == escape else { return nil }
                key.append(escaped)
            case 0x20...0x7e: key.append(byte)
            default: return nil
            }
        }
        return nil
    }
}

extension Response {
    /// Makes the answer that was kept, with its `Task-Id`.
    fileprivate init(_ answer: PersistedAnswer) {
        var headers = HTTPFields()
        for field in answer.fields {
            guard let name = HTTPField.Name(field.name) else { continue }
            headers.append(HTTPField(name: name, value: field.value))
        }
        self.init(
            status: HTTPResponse.Status(code: answer.status, reasonPhrase: answer.reason),
            contentType: answer.contentType, headers: headers, body: answer.body)
        setTaskIDs(answer.taskIDs)
    }
}

/// An error of the handler: its answer cannot be sent again. It is logged, and answered with 500.
enum AnswerNotKept: Error, CustomStringConvertible {
    /// The answer says that the server has failed, so that the client may repeat the request. It is sent, and not logged.
    case status(Int)
    case notInMemory
    case tooLarge(Int)

    var description: String {
        switch self {
        case .status(let code):
            "the answer to a request with an Idempotency-Key has the status \(code), and is not kept"
        case .notInMemory:
            """
            the answer to a request with an Idempotency-Key is a file or a stream, which is not kept; return a body in memory, \
            or leave `idempotency` out of the route
            """
        case .tooLarge(let count):
            """
            the answer to a request with an Idempotency-Key has a body of \(count) bytes, more than the \
            \(KeyedRequest.bodyLimit) that are kept; return less, or leave `idempotency` out of the route
            """
        }
    }
}

/// The error of a key that could not be looked up. The request is answered with 503.
struct KeyNotBegun: Error, CustomStringConvertible {
    let reason: any Error
    var description: String {
        "the answer for an Idempotency-Key could not be looked up: \(LoggedError.text(reason))"
    }
}

/// The error of a store that may not keep more answers.
private struct AnswersFull: Error, CustomStringConvertible {
    var description: String {
        "the task store's answers take as much room as `task-store.max-answers` allows"
    }
}

/// The error of an application without a store, which `check` reports.
private struct NoStoreForKeys: Error, CustomStringConvertible {
    let route: String
    var description: String {
        "the route \(route) has `idempotency`, and the application has no `taskEngine` whose task store keeps the answers"
    }
}

extension DependencyStore {
    /// The names of those on whose behalf the request is made, in the order in which the handler's inputs need them.
    fileprivate var principals: [String] {
        all.compactMap { ($0 as? any IdempotencyPrincipal)?.idempotencyPrincipal }
    }
}
