internal import HTTPTypes
internal import PostludeSystem

/// An incremental parser of a multipart body (RFC 2046, 5.1).
///
/// It buffers only incomplete input: at most one part's header and one piece, or the beginning of a delimiter.
struct MultipartParser {
    private enum State {
        case preamble
        /// After a boundary.
        case delimiter
        /// After a boundary that is not the closing one: white space, and then the end of the line.
        case padding
        case head
        /// At the beginning of a part's content, or at a delimiter without a line break of its own.
        case start
        case content
        case epilogue
    }

    private var state = State.preamble
    private let limits: MultipartLimits
    /// The delimiter, with the line break before it; `dashedBoundary` is without.
    private let delimiter: [UInt8]
    private let dashedBoundary: [UInt8]
    /// The unparsed input. Begins with a line break, which the first delimiter does not need.
    private var buffer: [UInt8] = [13, 10]
    /// The end of the parsed part of the buffer.
    private var offset = 0
    private var parts = 0

    init(boundary: MultipartBoundary, limits: MultipartLimits = MultipartLimits()) {
        dashedBoundary = Array("--".utf8) + boundary.bytes
        delimiter = [13, 10] + dashedBoundary
        self.limits = limits
    }

    /// Parses the next piece of the body, and passes what it completes to `sink`.
    ///
    /// - Throws: 400 for a malformed body, 413 for one with too many parts, and the errors of `sink`.
    mutating func parse(_ piece: [UInt8], into sink: inout some MultipartSink) throws {
        buffer.removeFirst(offset)
        offset = 0
        buffer += piece
        while try step(&sink) {}
    }

    /// Ends the body.
    ///
    /// - Throws: 400 if the closing boundary is missing.
    func finish() throws(HTTPError) {
        guard case .epilogue = state else { throw .multipart("it ends before the closing boundary") }
    }

    private var isDone: Bool { offset >= buffer.count }

    /// - Returns: false if more bytes are needed.
    private mutating func step(_ sink: inout some MultipartSink) throws -> Bool {
        switch state {
        case .preamble: return skipPreamble()
        case .delimiter: return takeDelimiter()
        case .padding: return try takePadding()
        case .head: return try takeHead(&sink)
        case .start: return try startContent(&sink)
        case .content: return try takeContent(&sink)
        case .epilogue:
            offset = buffer.count
            return false
        }
    }

    private mutating func skipPreamble() -> Bool {
        guard let start = buffer.firstIndex(of: delimiter, from: offset) else {
            offset = max(offset, buffer.count - delimiter.count + 1)
            return false
        }
        offset = start + delimiter.count
        state = .delimiter
        return true
    }

    private mutating func takeDelimiter() -> Bool {
        guard buffer.count - offset >= 2 else { return false }
        let isClosing = buffer[offset] == UInt8(ascii: "-") && buffer[offset + 1] == UInt8(ascii: "-")
        state = isClosing ? .epilogue : .padding
        return true
    }

    private mutating func takePadding() throws -> Bool {
        while !isDone, buffer[offset] == UInt8(ascii: " ") || buffer[offset] == UInt8(ascii: "\t") {
            offset += 1
        }
        guard buffer.count - offset >= 2 else { return false }
        guard buffer[offset] == 13, buffer[offset + 1] == 10 else {
            throw HTTPError.multipart("a line begins with the boundary and continues")
        }
        state = .head
        return true
    }

    /// Takes a part's header. It begins at the line break before the header, so that a header without any field is found,
    /// too.
    ///
    /// - Returns: false if more bytes are needed.
    private mutating func takeHead(_ sink: inout some MultipartSink) throws -> Bool {
        let end = buffer.firstIndex(of: [13, 10, 13, 10], from: offset)
        guard (end ?? buffer.count) - offset <= limits.head else {
            throw HTTPError.multipart("a part's header is larger than \(limits.head) bytes")
        }
        guard let end else { return false }
        parts += 1
        guard parts <= limits.parts else {
            throw HTTPError(.contentTooLarge, "The form has more than \(limits.parts) parts")
        }
        try sink.beginPart(PartHead(buffer[min(offset + 2, end)..<end]))
        offset = end + 4
        state = .start
        return true
    }

    private mutating func startContent(_ sink: inout some MultipartSink) throws -> Bool {
        let beginning = buffer[offset...].prefix(dashedBoundary.count)
        guard beginning.elementsEqual(dashedBoundary.prefix(beginning.count)) else {
            state = .content
            return true
        }
        guard beginning.count == dashedBoundary.count else { return false }
        try endPart(&sink, at: offset + dashedBoundary.count)
        return true
    }

    private mutating func takeContent(_ sink: inout some MultipartSink) throws -> Bool {
        let start = buffer.firstIndex(of: delimiter, from: offset)
        // Bytes that could be the beginning of a delimiter stay in the buffer.
        let end = start ?? max(offset, buffer.count - delimiter.count + 1)
        if end > offset { try sink.append(buffer.span.extracting(offset..<end)) }
        offset = end
        guard start != nil else { return false }
        try endPart(&sink, at: end + delimiter.count)
        return true
    }

    private mutating func endPart(_ sink: inout some MultipartSink, at end: Int) throws {
        try sink.endPart()
        offset = end
        state = .delimiter
    }
}

/// The receiver of the parts of a multipart body.
protocol MultipartSink {
    mutating func beginPart(_ head: PartHead) throws
    /// Appends a piece to the content of the current part.
    mutating func append(_ bytes: Span<UInt8>) throws
    mutating func endPart() throws
}

/// The boundary between the parts of a multipart body (RFC 2046, 5.1.1).
struct MultipartBoundary {
    let bytes: [UInt8]

    /// - Throws: 415 for a Content-Type that is not `multipart/form-data`, or has no valid boundary.
    init(contentType: String?) throws(HTTPError) {
        guard let field = contentType.flatMap({ MediaParameters($0.utf8) }),
            field.value == "multipart/form-data"
        else { throw HTTPError(.unsupportedMediaType, "The body must be multipart/form-data") }
        guard let boundary = field["boundary"], (1...Self.maximumLength).contains(boundary.count),
            boundary.last != space, boundary.allSatisfy(Self.isAllowed)
        else {
            throw HTTPError(
                .unsupportedMediaType,
                "multipart/form-data must have a boundary of at most \(Self.maximumLength) visible ASCII characters"
            )
        }
        bytes = boundary
    }

    /// The largest length of a boundary, in characters. RFC 2046 allows 70 characters, and few punctuation marks. Some
    /// clients exceed this, and other servers accept it.
    private static let maximumLength = 1_000

    /// Whether a boundary may contain a byte. Quotation marks and backslashes are excluded, because they are ambiguous.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
}

private let space = UInt8(ascii: " ")
