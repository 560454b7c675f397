import Glibc

/// A request's head, complete and checked: BEGIN_REQUEST and the whole PARAMS stream.
package struct RequestHead: Sendable {
    package let requestID: UInt16
    /// Whether the web server asked to keep the connection (FCGI_KEEP_CONN).
    package let keepsConnection: Bool
    /// The PARAMS stream as it was received, without record headers.
    let stream: [UInt8]
    private let pairs: [NameValuePairs.Pair]
    /// CONTENT_LENGTH, nil where it is absent or empty, as with a chunked body that nginx does not buffer.
    package private(set) var contentLength: Int?

    /// A head that stands for a request which is refused before its parameters are known.
    init(refused requestID: UInt16, keepsConnection: Bool) {
        self.requestID = requestID
        self.keepsConnection = keepsConnection
        stream = []
        pairs = []
    }

    /// Checks a whole PARAMS stream.
    ///
    /// - Throws: `.violation` where the pairs do not fit the stream, `.refusal` where the frame is sound but
    ///   libfcgi or the application would take the parameters for others than they are.
    init(requestID: UInt16, keepsConnection: Bool, stream: [UInt8]) throws(GateError) {
        self.requestID = requestID
        self.keepsConnection = keepsConnection
        self.stream = stream
        var pairs: [NameValuePairs.Pair] = []
        pairs.reserveCapacity(32)
        var reader = NameValuePairs()
        do {
            while let pair = try reader.next(in: stream.span) { pairs.append(pair) }
        } catch {
            throw .violation(error)
        }
        self.pairs = pairs
        // libfcgi keeps a parameter as the C string "name=value".
        guard Self.isSound(stream, pairs) else { throw .refusal(.parameter) }
        for name in ["REQUEST_METHOD", "REQUEST_URI", "CONTENT_LENGTH"] as [StaticString]
        where isAmbiguous(name) {
            throw .refusal(.parameter)
        }
        contentLength = try parsedContentLength()
    }

    /// The value of the first parameter called `name`, as libfcgi's `FCGX_GetParam` gives it.
    package func value(_ name: StaticString) -> ArraySlice<UInt8>? {
        pairs.first { matches($0, name) }.map { stream[$0.value] }
    }

    /// The bytes of the first parameter called `name`, for a name known only at run time.
    package func value(named name: String) -> ArraySlice<UInt8>? {
        pairs.first { stream[$0.name].elementsEqual(name.utf8) }.map { stream[$0.value] }
    }

    /// The value as text; bytes that are not UTF-8 are replaced.
    package func string(_ name: StaticString) -> String? {
        value(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The values of all parameters called `name`, in the order in which they came.
    package func strings(_ name: StaticString) -> [String] {
        pairs.filter { matches($0, name) }.map { text($0.value) }
    }

    /// The value of the first parameter called `name`, for a name known only at run time.
    package func string(named name: String) -> String? {
        pairs.first { stream[$0.name].elementsEqual(name.utf8) }.map { text($0.value) }
    }

    /// All parameters in the order in which they came, repeated ones included.
    package var parameters: some Sequence<(name: String, value: String)> {
        pairs.lazy.map { (text($0.name), text($0.value)) }
    }

    /// Looks at the parameters' names and values, in the order in which they came.
    package func forEach(_ body: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> Void) {
        for pair in pairs { body(stream[pair.name], stream[pair.value]) }
    }

    private static func isSound(_ stream: [UInt8], _ pairs: [NameValuePairs.Pair]) -> Bool {
        stream.withUnsafeBytes { bytes in
            func holds(_ byte: UInt8, _ range: Range<Int>) -> Bool {
                // The reader has checked that the range lies within the stream.
                guard let start = bytes.baseAddress, !range.isEmpty else { return false }
                return memchr(start + range.lowerBound, Int32(byte), range.count) != nil
            }
            return pairs.allSatisfy { pair in
                !pair.name.isEmpty && !holds(UInt8(ascii: "="), pair.name) && !holds(0, pair.name)
                    && !holds(0, pair.value)
            }
        }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: stream[range], as: UTF8.self) }

    private func matches(_ pair: NameValuePairs.Pair, _ name: StaticString) -> Bool {
        guard pair.name.count == name.utf8CodeUnitCount else { return false }
        return stream.withUnsafeBytes { bytes in
            bytes.baseAddress.map { memcmp($0 + pair.name.lowerBound, name.utf8Start, pair.name.count) == 0 }
                ?? false
        }
    }

    /// Whether `name` was sent twice with different values: the web server and we could read it differently.
    private func isAmbiguous(_ name: StaticString) -> Bool {
        guard let first = value(name) else { return false }
        return pairs.contains { matches($0, name) && stream[$0.value] != first }
    }

    private func parsedContentLength() throws(GateError) -> Int? {
        guard let digits = value("CONTENT_LENGTH"), !digits.isEmpty else { return nil }
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .refusal(.contentLength)
        }
        guard let length = Int(String(decoding: digits, as: UTF8.self)) else { throw .refusal(.bodyTooLarge) }
        return length
    }
}
