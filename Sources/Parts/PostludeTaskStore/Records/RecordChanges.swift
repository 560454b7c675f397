/// The records that have changed since a position of a store.
package struct RecordChanges: Sendable, Equatable {
    /// The numbers of the records, each once.
    package var numbers: Set<Int64>
    /// The position after these changes. Only its own store can read it.
    package var position: String

    package init(_ numbers: Set<Int64>, position: String) {
        self.numbers = numbers
        self.position = position
    }
}
