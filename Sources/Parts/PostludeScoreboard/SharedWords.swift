import PostludeSystem
import Synchronization

/// A part of the shared memory, as atomic words.
///
/// Every access is atomic, even to text: a reader may read while the writer writes, or after the writer has died
/// halfway. Uses Swift's `Atomic` instead of C's, because the compiler inlines it to single instructions, and the
/// thread sanitizer sees it.
// Unchecked: the memory is accessed only by atomic operations, and `memory` keeps it mapped.
struct SharedWords: @unchecked Sendable {
    private let memory: SharedMemory
    private let base: UnsafePointer<Atomic<UInt64>>

    /// All words of `memory`, whose size is a multiple of eight bytes.
    init(_ memory: SharedMemory) {
        self.memory = memory
        base = UnsafePointer(memory.base.assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    private init(_ memory: SharedMemory, _ base: UnsafePointer<Atomic<UInt64>>) {
        self.memory = memory
        self.base = base
    }

    /// Returns the words from `offset` on. Offsets come only from `Layout`, never from the memory.
    func from(_ offset: Int) -> SharedWords { SharedWords(memory, base + offset) }

    @inline(__always)
    subscript(_ index: Int) -> UInt64 {
        get { base[index].load(ordering: .relaxed) }
        nonmutating set { base[index].store(newValue, ordering: .relaxed) }
    }

    /// Increases a word that only one thread writes; cheaper than `add`.
    @inline(__always)
    func increase(_ index: Int, by amount: UInt64 = 1) { self[index] = self[index] &+ amount }

    /// Adds to a word atomically.
    ///
    /// - Returns: the new value.
    @discardableResult
    func add(_ index: Int, _ amount: UInt64 = 1) -> UInt64 {
        base[index].wrappingAdd(amount, ordering: .relaxed).newValue
    }

    func raise(_ index: Int, to value: UInt64) { _ = base[index].max(value, ordering: .relaxed) }

    /// Writes a word with release ordering, which publishes all earlier writes.
    func publish(_ index: Int, _ value: UInt64) { base[index].store(value, ordering: .releasing) }

    /// Reads a word with acquire ordering: writes before its `publish` are visible.
    func published(_ index: Int) -> UInt64 { base[index].load(ordering: .acquiring) }

    func clear(_ range: Range<Int>) {
        for index in range { self[index] = 0 }
    }
}

// MARK: Text

extension SharedWords {
    /// Writes text, truncated to the field's size; shorter text is terminated by a zero.
    @inline(__always)
    func write(_ text: UnsafeRawBufferPointer, at field: Range<Int>) {
        var offset = 0
        for index in field {
            let left = text.count - offset
            guard left < 8 else {
                self[index] = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                offset += 8
                continue
            }
            var last: UInt64 = 0
            for place in 0..<max(0, left) { last |= UInt64(text[offset + place]) << UInt64(place * 8) }
            self[index] = last
            return
        }
    }

    @inline(__always)
    func write(_ text: String, at field: Range<Int>) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable {
            write(UnsafeRawBufferPointer($0), at: field)
        }
        if isWritten == nil { Array(text.utf8).withUnsafeBytes { write($0, at: field) } }
    }

    /// Reads text, with an ellipsis at its end if it fills its field, since it was probably truncated.
    func shortened(at field: Range<Int>) -> String {
        let isFull = self[field.upperBound - 1] >> 56 != 0
        return isFull ? text(at: field) + "…" : text(at: field)
    }

    /// Reads text. Whatever the words contain, the result is short, valid, and without control characters.
    func text(at field: Range<Int>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.count * 8)
        for index in field {
            withUnsafeBytes(of: self[index].littleEndian) { bytes += $0 }
        }
        let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
        let isCut = end == bytes.endIndex
        var text = String(decoding: bytes[..<end], as: UTF8.self)
        // Truncation may have split a character.
        if isCut, text.last == "\u{fffd}" { text.removeLast() }
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 }))
    }
}

// MARK: Tables of names

extension SharedWords {
    func row(_ index: Int, of table: NameTable) -> SharedWords {
        from(table.rows + index * table.rowSize)
    }

    /// Returns the rows that have a name, whatever the words contain.
    func namedRows(of table: NameTable) -> [SharedWords] {
        let count = min(published(table.names), UInt64(table.rowCount))
        return (0..<Int(clamping: count)).map { row($0, of: table) }
    }

    /// Finds the row of a name; gives the name to the next free row if it has none yet.
    ///
    /// - Parameter known: the known names and their rows. Callers must not run concurrently.
    /// - Returns: the row of `name`.
    func place(of name: String, in table: NameTable, known: inout [String: Int]) -> Int {
        if let place = known[name] { return place }
        let last = table.rowCount - 1
        let place = Int(clamping: self[table.names])
        guard place <= last else { return last }
        let label = place < last ? name : NameTable.others
        row(place, of: table).write(label, at: table.name)
        publish(table.names, UInt64(place + 1))
        known[label] = place
        return place
    }
}

/// The position of a table of named rows, each of which has the counts of one name. Names for which there is no room
/// share the last row.
struct NameTable: Sendable {
    /// The name of the last row.
    static let others = "other"

    /// The position of the word with the number of named rows.
    let names: Int
    let rows: Int
    let rowCount: Int
    let rowSize: Int
    /// The position of the name in a row.
    let name: Range<Int>

    var end: Int { rows + rowCount * rowSize }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7f..<0xa0).contains(value) }
}
