internal import FoundationEssentials
internal import PostludeSystem

/// The schemas of types for which decoding would give no correct schema, or would be slow.
enum BuiltInSchemas {
    private static let schemas: [ObjectIdentifier: Schema] = [
        id(Bool.self): Schema(["type": "boolean"]),
        id(String.self): Schema(["type": "string"]),
        id(Double.self): Schema(["type": "number", "format": "double"]),
        id(Float.self): Schema(["type": "number", "format": "float"]),
        id(Decimal.self): Schema(["type": "number"]),
        id(Int.self): integer(Int.self, format: "int64"),
        id(Int8.self): integer(Int8.self),
        id(Int16.self): integer(Int16.self),
        id(Int32.self): integer(Int32.self, format: "int32"),
        id(Int64.self): integer(Int64.self, format: "int64"),
        id(UInt.self): unsigned64,
        id(UInt8.self): integer(UInt8.self),
        id(UInt16.self): integer(UInt16.self),
        id(UInt32.self): integer(UInt32.self),
        id(UInt64.self): unsigned64,
        id(UUID.self): Schema(["type": "string", "format": "uuid"]),
        id(Date.self): Schema(["type": "string", "format": "date-time"]),
        id(LocalDate.self): Schema(["type": "string", "format": "date"]),
        // From OpenAPI's format registry.
        id(LocalDateTime.self): Schema(["type": "string", "format": "date-time-local"]),
        id(URL.self): Schema(["type": "string", "format": "uri"]),
        id(Data.self): Schema([
            "type": "string", "contentEncoding": "base64",
            "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        ]),
        id(EmailAddress.self): Schema(["type": "string", "format": "email"]),
        id(UploadedFile.self): Schema([
            "type": "string", "format": "binary", "contentMediaType": "application/octet-stream",
        ]),
        id(JSONValue.self): Schema(),
    ]

    static func schema(of type: any Any.Type) -> Schema? { schemas[ObjectIdentifier(type)] }

    /// Returns a value of a type that has a built-in sample; nil for other types.
    static func value<Value>(of type: Value.Type, sample: Sample) -> Value? {
        let value: Any? =
            switch type {
            case is UUID.Type: UUID(uuidString: "00000000-0000-4000-8000-000000000000")
            case is Date.Type: Date(timeIntervalSince1970: Double(sample.integer))
            case is LocalDate.Type: LocalDate(year: 2030, month: 1, day: 31)
            case is LocalDateTime.Type: LocalDateTime("2030-01-31T12:00")
            case is URL.Type: URL(string: "https://localhost/")
            case is Data.Type: Data()
            case is Decimal.Type: Decimal(sample.integer)
            case is EmailAddress.Type: EmailAddress("user@localhost.example")
            case is JSONValue.Type: JSONValue.null
            case is UploadedFile.Type: file
            default: nil
            }
        return value as? Value
    }

    /// An empty file, which exists while a type is recorded.
    private static var file: UploadedFile? {
        guard let storage = try? UnnamedFile(in: "/tmp") else { return nil }
        return UploadedFile(filename: nil, contentType: nil, size: 0, storage: storage)
    }

    private static func id(_ type: any Any.Type) -> ObjectIdentifier { ObjectIdentifier(type) }

    /// Returns the schema of an integer type with its bounds.
    private static func integer<Value: FixedWidthInteger>(_ type: Value.Type, format: String? = nil) -> Schema
    {
        var keywords: [String: JSONValue] = [
            "type": "integer", "minimum": .integer(Int(clamping: Value.min)),
            "maximum": .integer(Int(clamping: Value.max)),
        ]
        if let format { keywords["format"] = .string(format) }
        return Schema(keywords)
    }

    /// The schema of `UInt64`. 2^64 is the first number out of range, and a `Double` represents it exactly.
    private static let unsigned64 = Schema([
        "type": "integer", "minimum": 0, "exclusiveMaximum": .number(18_446_744_073_709_551_616),
    ])
}
