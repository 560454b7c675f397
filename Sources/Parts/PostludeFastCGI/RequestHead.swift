import Glibc

/// A request's head, complete and checked: BEGIN_REQUEST and the whole PARAMS stream.
package struct RequestHead: Sendable {
    package let requestID: UInt16
    /// Whether the web server asked to keep the connection (FCGI_KEEP_CONN).
    package let keepsConnection: Bool
    /// The PARAMS stream as received, without record headers; of a refused request, the part that is known.
    let stream: [UInt8]
    private var pairs: [NameValuePairs.Pair]
    /// CONTENT_LENGTH; nil for a body of unknown length: if it is absent or empty, as with a chunked body that nginx
    /// does not buffer, and for Caddy's `-1`, which is then removed from the parameters.
    package private(set) var contentLength: Int?
    /// Why the request is refused; nil if it is not. The parameters of a refused request are only logged.
    package private(set) var refusal: Refusal?

    /// Makes the head of a request that is refused before all its parameters are known.
    ///
    /// - Parameter stream: the beginning of its PARAMS stream.
    init(refused requestID: UInt16, keepsConnection: Bool, stream: [UInt8], because refusal: Refusal) {
        self.requestID = requestID
        self.keepsConnection = keepsConnection
        self.stream = stream
        self.refusal = refusal
        var pairs: [NameValuePairs.Pair] = []
        var reader = NameValuePairs()
        // The stream may end in the middle of a pair.
        while let pair = try? reader.next(in: stream.span) { pairs.append(pair) }
        self.pairs = pairs
    }

    /// Checks a whole PARAMS stream. Sets `refusal` if the pairs are well-formed, but the application could misread
    /// the parameters.
    ///
    /// - Throws: `.nameValuePairs` if the pairs do not fit the stream.
    init(requestID: UInt16, keepsConnection: Bool, stream: [UInt8]) throws(ProtocolViolation) {
        self.requestID = requestID
        self.keepsConnection = keepsConnection
        self.stream = stream
        var pairs: [NameValuePairs.Pair] = []
        pairs.reserveCapacity(32)
        var reader = NameValuePairs()
        while let pair = try reader.next(in: stream.span) { pairs.append(pair) }
        self.pairs = pairs
        guard Self.isWellFormed(stream, pairs), !isAmbiguous else {
            refusal = .parameter
            return
        }
        readContentLength()
    }

    /// Returns the value of the first parameter called `name`; nil if there is none.
    package func value(_ name: StaticString) -> ArraySlice<UInt8>? {
        pairs.first { matches($0, name) }.map { stream[$0.value] }
    }

    /// Returns the value of the first parameter called `name`, for a name known only at run time; nil if there is none.
    package func value(named name: String) -> ArraySlice<UInt8>? {
        pairs.first { stream[$0.name].elementsEqual(name.utf8) }.map { stream[$0.value] }
    }

    /// Returns the value of the first parameter called `name` as text, with U+FFFD for bytes that are not UTF-8; nil if
    /// there is none.
    package func string(_ name: StaticString) -> String? {
        value(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Returns the values of all parameters called `name`, in the order in which they came.
    package func strings(_ name: StaticString) -> [String] {
        pairs.filter { matches($0, name) }.map { text($0.value) }
    }

    /// Returns the value of the first parameter called `name` as text, for a name known only at run time; nil if there is
    /// none.
    package func string(named name: String) -> String? {
        pairs.first { stream[$0.name].elementsEqual(name.utf8) }.map { text($0.value) }
    }

    /// All parameters in the order in which they came, repeated ones included.
    package var parameters: some Sequence<(name: String, value: String)> {
        pairs.lazy.map { (text($0.name), text($0.value)) }
    }

    /// Calls `body` with the name and value of each parameter, in the order in which they came.
    package func forEach(_ body: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> Void) {
        for pair in pairs { body(stream[pair.name], stream[pair.value]) }
    }

    /// Whether each parameter could be an environment variable: many programs take them as one C string "name=value".
    private static func isWellFormed(_ stream: [UInt8], _ pairs: [NameValuePairs.Pair]) -> Bool {
        stream.withUnsafeBytes { bytes in
            func holds(_ byte: UInt8, _ range: Range<Int>) -> Bool {
                // The reader has checked that the range lies within the stream.
                guard let start = bytes.baseAddress, !range.isEmpty else { return false }
                return memchr(start + range.lowerBound, Int32(byte), range.count) != nil
            }
            return pairs.allSatisfy { pair in
                pair.nameLength > 0 && !holds(UInt8(ascii: "="), pair.name) && !holds(0, pair.both)
            }
        }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: stream[range], as: UTF8.self) }

    private func matches(_ pair: NameValuePairs.Pair, _ name: StaticString) -> Bool {
        guard pair.nameLength == name.utf8CodeUnitCount else { return false }
        return stream.withUnsafeBytes { bytes in
            bytes.baseAddress.map { memcmp($0 + pair.name.lowerBound, name.utf8Start, pair.name.count) == 0 }
                ?? false
        }
    }

    /// Whether a parameter on which the web server and Postlude must agree was sent twice with different values.
    private var isAmbiguous: Bool {
        var method: NameValuePairs.Pair?
        var uri: NameValuePairs.Pair?
        var length: NameValuePairs.Pair?
        return pairs.contains { pair in
            if matches(pair, "REQUEST_URI") { return differs(pair, from: &uri) }
            if matches(pair, "REQUEST_METHOD") { return differs(pair, from: &method) }
            return matches(pair, "CONTENT_LENGTH") && differs(pair, from: &length)
        }
    }

    private func differs(_ pair: NameValuePairs.Pair, from first: inout NameValuePairs.Pair?) -> Bool {
        guard let first else {
            first = pair
            return false
        }
        return stream[first.value] != stream[pair.value]
    }

    private mutating func readContentLength() {
        guard let digits = value("CONTENT_LENGTH"), !digits.isEmpty else { return }
        if digits.elementsEqual("-1".utf8) {
            let isLength = pairs.map { matches($0, "CONTENT_LENGTH") }
            pairs = zip(pairs, isLength).filter { !$1 }.map(\.0)
        } else if digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) {
            contentLength = Int(String(decoding: digits, as: UTF8.self))
            if contentLength == nil { refusal = .bodyTooLarge }
        } else {
            refusal = .contentLength
        }
    }
}

extension RequestHead {
    /// Makes the head of a request that did not come from a web server, with the checks of a gate.
    ///
    /// - Throws: the refusal with which a gate would answer.
    package init(parameters: [(name: String, value: String)]) throws(Refusal) {
        var stream: [UInt8] = []
        for (name, value) in parameters {
            NameValuePairs.append(name: name, value: value, to: &stream)
        }
        do throws(ProtocolViolation) {
            try self.init(requestID: 1, keepsConnection: true, stream: stream)
        } catch {
            // Does not happen: the pairs were written just above.
            throw .parameter
        }
        if let refusal { throw refusal }
    }
}

extension RequestHead {
    /// The longest path that `targetPath` returns, in bytes.
    private static let longestPath = 2_048

    /// The request's target without its query, as the client has sent it; nil if that is not a URI reference (RFC 3986, 4.1), or
    /// is very long.
    package var targetPath: String? {
        guard let path = value("REQUEST_URI")?.prefix(while: { $0 != UInt8(ascii: "?") }),
            (1...Self.longestPath).contains(path.count),
            path.allSatisfy({ 0x21...0x7e ~= $0 && !"\"#<>\\^`{|}".utf8.contains($0) })
        else { return nil }
        return String(decoding: path, as: UTF8.self)
    }
}
