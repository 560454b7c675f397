/// A decoder of one value of an input: the common base of the decoders of text and of JSON.
class InputDecoder {
    final let parent: InputDecoder?
    /// The step from the parent to this value; nil at the root.
    final let step: InputIssue.Location?
    /// The errors so far, of this input's decoders together. It is made when it is needed first, for most inputs never.
    final var report: InputReport {
        if let existingReport { return existingReport }
        let report = InputReport(source: source, isText: isText)
        existingReport = report
        return report
    }
    private final var existingReport: InputReport?
    private final var errorCount: Int { existingReport?.count ?? 0 }
    private final let source: String
    private final let isText: Bool
    /// The field whose value this is; nil for other values.
    final var definition: (any FieldDefinition)?
    /// The type that is being decoded.
    final var type: Any.Type = Never.self

    init(parent: InputDecoder, step: InputIssue.Location) {
        self.parent = parent
        self.step = step
        source = parent.source
        isText = parent.isText
        existingReport = parent.report
    }

    /// - Parameters:
    ///   - source: `path`, `query`, `header`, `cookie` or `body`.
    ///   - isText: whether the values are text that has to be parsed; false for JSON.
    init(source: String, isText: Bool) {
        parent = nil
        step = nil
        self.source = source
        self.isText = isText
    }

    /// Makes a decoder of the same value as another one, which reads it in another way and adds to the same report.
    init(continuing other: InputDecoder) {
        parent = other.parent
        step = other.step
        source = other.source
        isText = other.isText
        existingReport = other.report
    }

    /// Whether the client has sent no value.
    var isAbsent: Bool { false }
    /// Whether the client has sent null.
    var isNull: Bool { false }

    func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        preconditionFailure("each decoder has its own")
    }

    final var userInfo: [CodingUserInfoKey: Any] { [:] }

    final var codingPath: [any CodingKey] {
        guard let parent, let step else { return [] }
        return parent.codingPath + [ParameterKey(step)]
    }

    final var location: [InputIssue.Location] {
        guard let parent, let step else { return [.key(source)] }
        return parent.location + [step]
    }

    /// Decodes a whole input.
    ///
    /// - Throws: ``InputError`` with all errors in fields, and the first error in a value of another type.
    final func decodeInput<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            let value = try decodeValue(type)
            if errorCount == 0 { return value }
        } catch let error as DecodingError {
            report.add(error)
        }
        throw InputError(report.issues)
    }

    /// Decodes a field's value, and adds its errors to the report.
    final func decodeField<Value>(_ type: Value.Type) throws -> Field<Value>.State {
        guard let definition, Swift.type(of: definition) == FieldSpecification<Value>.self else {
            throw FieldMisuse("a @Field of \(type) is decoded by the init(from:) of another type")
        }
        // Unsafe for speed: a cast would compare the types again, by a search in the runtime's tables.
        let specification = unsafeDowncast(definition, to: FieldSpecification<Value>.self)
        if isAbsent {
            if let absent = specification.absent { return .value(absent) }
            report.add(.missing(location))
            return .refused
        }
        if let null = specification.null, isNull { return .value(null) }
        report.depth += 1
        defer { report.depth -= 1 }
        do {
            let count = errorCount
            let value = try decodeValue(type)
            // A value that contains refused fields must not be read.
            guard errorCount == count else { return .refused }
            guard let rule = specification.violation(of: value) else { return .value(value) }
            report.add(rule.issue(location))
        } catch let error as DecodingError {
            report.add(error)
        }
        return .refused
    }

    /// Calls `make`, by which a type decodes itself.
    @inline(__always)
    final func decoding<Value>(_ type: Value.Type, _ make: () throws -> Value) throws -> Value {
        let (outer, count) = (self.type, errorCount)
        self.type = type
        defer { self.type = outer }
        let value: Value
        do {
            value = try make()
        } catch {
            throw InputRule.naming(error, casesOf: type)
        }
        // An init(from:) of the application that reads a refused field would end the process.
        if errorCount > count, let parent, !FieldDefinitions.onlyHolds(parent.type) {
            throw report.reported(at: codingPath)
        }
        return value
    }

    /// Returns the definition of the field with this key; nil if the type is not an ``InputFields``, or has no such field.
    static func definition(
        _ key: some CodingKey, in definitions: FieldDefinitions?
    ) throws -> (any FieldDefinition)? {
        guard let definitions else { return nil }
        if let problem = definitions.problem { throw FieldMisuse(problem) }
        return definitions.first(key: key.stringValue)
    }
}

/// The error of a type that uses ``Field`` in a way that cannot work: the application's mistake, not the client's.
struct FieldMisuse: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A parameter's name, or an index, as a coding key.
struct ParameterKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: InputIssue.Location) {
        switch step {
        case .key(let name): (stringValue, intValue) = (name, nil)
        // Named as Foundation names the steps of an array.
        case .index(let index): (stringValue, intValue) = ("Index \(index)", index)
        }
    }
    init?(stringValue: String) { self.init(.key(stringValue)) }
    init?(intValue: Int) { self.init(.index(intValue)) }
}

/// The errors that were found while one input was decoded.
final class InputReport {
    private let source: String
    private let isText: Bool
    /// The first hundred errors: a client may send any number of them.
    private(set) var issues: [InputIssue] = []
    /// The number of errors that were found.
    private(set) var count = 0
    /// The nesting depth of the fields that are being decoded. Within a field, all errors are collected.
    var depth = 0

    init(source: String, isText: Bool) {
        self.source = source
        self.isText = isText
    }

    var isFull: Bool { count >= Self.maximumCount }
    private static let maximumCount = 100

    func add(_ issue: InputIssue) {
        count += 1
        if issues.count < Self.maximumCount { issues.append(issue) }
    }

    func add(_ error: DecodingError) {
        guard !Self.isReported(error) else { return }
        for issue in InputError(error, in: source, isText: isText).issues { add(issue) }
    }

    /// Returns the error that ends the decoding of a value whose errors are already reported.
    func reported(at path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: "", underlyingError: Reported()))
    }

    private static func isReported(_ error: DecodingError) -> Bool {
        guard case .dataCorrupted(let context) = error else { return false }
        return context.underlyingError is Reported
    }

    private struct Reported: Error {}
}

/// A container of a single value that decodes Swift's fourteen scalar types by four functions.
protocol ScalarContainer: SingleValueDecodingContainer {
    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value
    func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value
}

extension ScalarContainer {
    func decode(_ type: Double.Type) throws -> Double { try number(type) }
    func decode(_ type: Float.Type) throws -> Float { try number(type) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
}

/// The container of a list, which decodes its values one after another: of JSON, of a repeated parameter, of a form.
struct ListContainer<Values: ListValues>: UnkeyedDecodingContainer {
    private let values: Values
    private let decoder: InputDecoder
    private(set) var currentIndex = 0

    init(_ values: Values, decoder: InputDecoder) {
        self.values = values
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    mutating func decodeNil() throws -> Bool {
        guard try next(Never.self).decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try take(type) { try $0.decodeValue(type) }
        } catch let error as DecodingError {
            guard decoder.report.depth > 0, !isAtEnd else { throw error }
            // Within a field every wrong element is reported.
            decoder.report.add(error)
            currentIndex += 1
            while !isAtEnd, !decoder.report.isFull {
                do {
                    _ = try next(type).decodeValue(type)
                } catch let error as DecodingError {
                    decoder.report.add(error)
                }
                currentIndex += 1
            }
            throw decoder.report.reported(at: codingPath)
        }
    }

    mutating func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try take([String: String].self) { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try take([String].self) { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try take(String.self) { $0 } }

    /// Calls `body` with the next element, and advances if it returns.
    private mutating func take<Result>(
        _ type: any Any.Type, _ body: (Values.ElementDecoder) throws -> Result
    ) throws -> Result {
        let result = try body(next(type))
        currentIndex += 1
        return result
    }

    private func next(_ type: any Any.Type) throws -> Values.ElementDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return values.decoder(at: currentIndex)
    }
}

/// The elements of a ``ListContainer``.
protocol ListValues {
    associatedtype ElementDecoder: InputDecoder & Decoder & SingleValueDecodingContainer

    var count: Int { get }

    /// - Parameter index: less than `count`.
    func decoder(at index: Int) -> ElementDecoder
}
