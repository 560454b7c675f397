internal import PostludeSystem

/// The form of the payloads of a kind's records, as one version of a program writes them.
package struct RecordShape: Sendable, Hashable {
    /// The version of records without a shape, such as those that SQL has added.
    package static let firstVersion = 1

    /// The name of the records' kind.
    package var name: String
    /// The version of the kind's payloads.
    package var version: Int
    /// The structure of the payloads. Equal texts mean equal structures.
    package var structure: String

    package init(name: String, version: Int, structure: String) {
        self.name = name
        self.version = version
        self.structure = structure
    }
}

/// The numbers of the shapes that a process writes: the records have the number instead of the shape.
package final class ShapeNumbers: Sendable {
    private let numbers = Lock<[RecordShape: Int64]>([:])

    package init() {}

    package func set(_ shapes: [RecordShape: Int64]) {
        numbers.withLock { $0.merge(shapes) { $1 } }
    }

    /// Returns the number of a new record's shape; nil if it has none, or if that is not registered.
    package func number(of record: NewRecord) -> Int64? {
        record.shape.flatMap { shape in numbers.withLock { $0[shape] } }
    }
}
