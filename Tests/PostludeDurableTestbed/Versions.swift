import Foundation
import Postlude
import PostludeDurable

/// The versions of a program whose kinds of tasks have changed. A version is this program beside a file `change` with its name.
enum Versions {
    static let change: String = {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let file = URL(fileURLWithPath: program).deletingLastPathComponent().appendingPathComponent("change")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }()

    /// The values of parcels in this version.
    static var parcels: any ParcelValues.Type { all[change] ?? Original.self }

    /// The kinds of this version, beside those that do not change.
    static var kinds: [DurableTaskKind] { parcels.kinds + letters }

    @DurableTasksBuilder private static var letters: [DurableTaskKind] {
        if change != "kind-dropped", change != "kind-renamed" { Letter.self }
        if change == "kind-renamed" || change == "kind-added" { Card.self }
    }

    /// Each change to the values of parcels by its name.
    private static let all: [String: any ParcelValues.Type] = [
        // Those with which stored parcels can be read.
        "optional-added": OptionalAdded.self, "member-removed": MemberRemoved.self,
        "int-to-double": IntToDouble.self, "required-made-optional": RequiredMadeOptional.self,
        "case-added": CaseAdded.self, "default-value": DefaultValue.self,
        "nested-optional-added": NestedOptionalAdded.self, "text-to-wrapper": TextToWrapper.self,
        "int-to-int64": IntToInt64.self, "array-to-set": ArrayToSet.self, "key-kept": KeyKept.self,
        "rename-upcast": RenameUpcast.self, "required-upcast": RequiredUpcast.self,
        "case-upcast": CaseUpcast.self, "type-upcast": TypeUpcast.self, "nested-upcast": NestedUpcast.self,
        // Those with which they cannot.
        "renamed": Renamed.self, "required-added": RequiredAdded.self, "case-gone": CaseGone.self,
        "int-to-text": IntToText.self, "text-to-int": TextToInt.self, "nested-required": NestedRequired.self,
        "nested-renamed": NestedRenamed.self, "optional-made-required": OptionalMadeRequired.self,
        "element-changed": ElementChanged.self, "date-to-int": DateToInt.self, "date-format": DateFormat.self,
        "upcast-throws": UpcastThrows.self, "upcast-forgotten": UpcastForgotten.self,
        "array-to-object": ArrayToObject.self, "int-too-small": IntTooSmall.self,
        "forbidden-value": ForbiddenValue.self,
    ]
}

/// The values of a parcel. The types of this file have only the members that a version changes, because others are ignored.
protocol ParcelValues: Codable, Sendable {
    var number: Int { get }
    static var version: Int { get }
    static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue
    /// The values of a new parcel as JSON.
    static func json(_ number: Int) -> String
}

extension ParcelValues {
    static var version: Int { 1 }
    static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue { old }
    static func json(_ number: Int) -> String { Original.json(number) }

    /// Makes a parcel of this version.
    static func enqueue(_ number: Int, after delay: Duration?, _ tasks: BackgroundTasks) throws {
        let values = try JSONFormat.read(Self.self, json(number))
        try tasks.enqueue(Parcel<Self>(values: values), after: delay)
    }

    /// The kind of parcels of this version.
    @DurableTasksBuilder static var kinds: [DurableTaskKind] { Parcel<Self>.self }
}

extension JSONFormat {
    fileprivate static func read<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(text.utf8))
    }
}

/// A task whose values depend on the version.
struct Parcel<Values: ParcelValues>: DurableTask {
    var values: Values

    static var name: String { "Parcel" }
    static var version: Int { Values.version }
    static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue {
        try Values.upcast(old, from: version)
    }

    init(values: Values) { self.values = values }
    init(from decoder: any Decoder) throws { values = try Values(from: decoder) }
    func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }

    func run(_ context: TaskContext) async throws { note("\(values.number)", in: "parcels") }
}

/// A task whose kind some versions do not have. The first hundred fail.
struct Letter: DurableTask {
    var number: Int

    static var policy: DurablePolicy { DurablePolicy(retry: .none) }

    func run(_ context: TaskContext) async throws {
        if number <= 100 { throw Refused() }
        note("\(number)", in: "letters")
    }
}

/// The same kind under another name.
struct Card: DurableTask {
    var number: Int

    func run(_ context: TaskContext) async throws { note("\(number)", in: "letters") }
}

struct ParcelQuery: Decodable, Sendable {
    var first: Int
    var count: Int?
    /// In seconds.
    var after: Int?
    var letters: Bool?
}

func parcels(_ query: Query<ParcelQuery>, tasks: BackgroundTasks) throws -> Response {
    let query = query.value
    for number in query.first..<query.first + (query.count ?? 1) {
        let delay = query.after.map { Duration.seconds($0) }
        if query.letters == true {
            try tasks.enqueue(Letter(number: number), after: delay)
        } else {
            try Versions.parcels.enqueue(number, after: delay, tasks)
        }
    }
    return .text("done")
}

// MARK: The first version

struct Original: ParcelValues {
    enum Size: String, Codable { case small, medium, large }

    struct Address: Codable {
        var street: String
        var code: Int
    }

    struct Item: Codable {
        var sku: String
        var count: Int
    }

    var number: Int
    var to: String
    var note: String?
    var size: Size
    var address: Address
    var items: [Item]
    var tags: [String]
    var due: Date
    var price: Int

    static func json(_ number: Int) -> String {
        let items = (0..<number % 3).map { #"{"sku":"s\#($0)","count":\#($0 + 1)}"# }
        return """
            {"number":\(number),"to":"somebody \(number)"\(number.isMultiple(of: 2) ? #","note":"fragile""# : ""),\
            "size":"\(["small", "medium", "large"][number % 3])","address":{"street":"Main Street","code":1010},\
            "items":[\(items.joined(separator: ","))],"tags":["a","b"],"due":"2030-01-31T12:00:00Z","price":1000}
            """
    }
}

// MARK: Changes that read the first version's parcels

private struct OptionalAdded: ParcelValues {
    var number: Int
    var weight: Int?
}

private struct MemberRemoved: ParcelValues { var number: Int }

private struct IntToDouble: ParcelValues {
    var number: Int
    var price: Double
}

private struct RequiredMadeOptional: ParcelValues {
    var number: Int
    var to: String?
}

private struct CaseAdded: ParcelValues {
    enum Size: String, Codable { case small, medium, large, huge }
    var number: Int
    var size: Size
}

private struct DefaultValue: ParcelValues {
    var number: Int
    var weight: Int

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        number = try values.decode(Int.self, forKey: .number)
        weight = try values.decodeIfPresent(Int.self, forKey: .weight) ?? 1
    }
}

private struct NestedOptionalAdded: ParcelValues {
    struct Address: Codable {
        var street: String
        var country: String?
    }
    var number: Int
    var address: Address
}

private struct TextToWrapper: ParcelValues {
    struct Name: RawRepresentable, Codable { var rawValue: String }
    var number: Int
    var to: Name
}

private struct IntToInt64: ParcelValues {
    var number: Int
    var price: Int64
}

private struct ArrayToSet: ParcelValues {
    var number: Int
    var tags: Set<String>
}

private struct KeyKept: ParcelValues {
    var number: Int
    var recipient: String
    private enum CodingKeys: String, CodingKey { case number, recipient = "to" }
}

/// Returns the members of an object after a change.
private func changing(_ old: JSONValue, _ change: (inout [String: JSONValue]) -> Void) -> JSONValue {
    guard case .object(var members) = old else { return old }
    change(&members)
    return .object(members)
}

private struct RenameUpcast: ParcelValues {
    var number: Int
    var recipient: String
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) -> JSONValue {
        changing(old) { $0["recipient"] = $0.removeValue(forKey: "to") }
    }
}

private struct RequiredUpcast: ParcelValues {
    var number: Int
    var weight: Int
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) -> JSONValue {
        changing(old) { $0["weight"] = 1 }
    }
    static func json(_ number: Int) -> String { #"{"number":\#(number),"weight":2}"# }
}

private struct CaseUpcast: ParcelValues {
    enum Size: String, Codable { case small, medium }
    var number: Int
    var size: Size
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) -> JSONValue {
        changing(old) { if $0["size"] == "large" { $0["size"] = "medium" } }
    }
}

private struct TypeUpcast: ParcelValues {
    var number: Int
    var price: String
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) -> JSONValue {
        changing(old) { if case .integer(let price)? = $0["price"] { $0["price"] = "\(price)" } }
    }
}

private struct NestedUpcast: ParcelValues {
    var number: Int
    var street: String
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) -> JSONValue {
        changing(old) { $0["street"] = $0["address"]?["street"] }
    }
}

// MARK: Changes that do not

private struct Renamed: ParcelValues {
    var number: Int
    var recipient: String
}

private struct RequiredAdded: ParcelValues {
    var number: Int
    var weight: Int
}

private struct CaseGone: ParcelValues {
    enum Size: String, Codable { case small, medium }
    var number: Int
    var size: Size
}

private struct IntToText: ParcelValues {
    var number: Int
    var price: String
}

private struct TextToInt: ParcelValues {
    var number: Int
    var to: Int
}

private struct NestedRequired: ParcelValues {
    struct Address: Codable { var country: String }
    var number: Int
    var address: Address
}

private struct NestedRenamed: ParcelValues {
    struct Address: Codable { var zip: Int }
    var number: Int
    var address: Address
}

private struct OptionalMadeRequired: ParcelValues {
    var number: Int
    var note: String
}

private struct ElementChanged: ParcelValues {
    struct Item: Codable { var count: String }
    var number: Int
    var items: [Item]
}

private struct DateToInt: ParcelValues {
    var number: Int
    var due: Int
}

private struct DateFormat: ParcelValues {
    var number: Int
    var due: String

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        number = try values.decode(Int.self, forKey: .number)
        due = try values.decode(String.self, forKey: .due)
        guard due.split(separator: "/").count == 3 else {
            throw DecodingError.dataCorruptedError(
                forKey: .due, in: values, debugDescription: "expected a date such as 2030/01/31")
        }
    }
}

private struct UpcastThrows: ParcelValues {
    struct Lost: Error {}
    var number: Int
    static var version: Int { 2 }
    static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue {
        if case .integer(let number)? = old["number"], number.isMultiple(of: 10) { throw Lost() }
        return old
    }
}

private struct UpcastForgotten: ParcelValues {
    var number: Int
    var recipient: String
    static var version: Int { 2 }
}

private struct ArrayToObject: ParcelValues {
    var number: Int
    var tags: [String: Int]
}

private struct IntTooSmall: ParcelValues {
    var number: Int
    var price: Int8
}

private struct ForbiddenValue: ParcelValues {
    struct Refusal: Error, CustomStringConvertible { let description = "no parcel may be fragile" }
    var number: Int
    var note: String?

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        number = try values.decode(Int.self, forKey: .number)
        note = try values.decodeIfPresent(String.self, forKey: .note)
        if note == "fragile" { throw Refusal() }
    }
}
