import Foundation
import PostludeSpawning
import PostludeSupervision
import Testing

/// A program's changes to the files of a folder, recorded by Interpose/record_writes.c.
struct Recording {
    enum Operation {
        case write(offset: Int, Data)
        case append(Data)
        case truncate(Int)
        case sync
        case unlink
        case open
    }

    struct Entry {
        let name: String
        let operation: Operation
    }

    let entries: [Entry]

    /// Compiles the library that records.
    ///
    /// - Returns: the environment that a program needs.
    static func environment(recording folder: String, to file: String, library: String) throws -> [String:
        String]
    {
        try Interposer.compile("record_writes.c", to: library, linking: "-ldl", "-lpthread")
        return ["LD_PRELOAD": library, "RECORD_FOLDER": folder, "RECORD_TO": file]
    }

    init(_ file: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        var entries: [Entry] = []
        var place = 0
        func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
            defer { place += MemoryLayout<Number>.size }
            return data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: type) }
        }
        func bytes(_ count: UInt32) -> Data {
            defer { place += Int(count) }
            return data.subdata(in: place..<place + Int(count))
        }
        while place < data.count {
            let operation = number(UInt32.self)
            let (nameLength, dataLength) = (number(UInt32.self), number(UInt32.self))
            _ = number(UInt32.self)
            let offset = Int(number(Int64.self))
            let name = String(decoding: bytes(nameLength), as: UTF8.self)
            let data = bytes(dataLength)
            let known: Operation =
                switch operation {
                case 1: offset < 0 ? .append(data) : .write(offset: offset, data)
                case 2: .truncate(offset)
                case 3: .sync
                case 4: .unlink
                default: .open
                }
            entries.append(Entry(name: name, operation: known))
        }
        self.entries = entries
    }

    /// The data that survives a power loss.
    enum Loss: CaseIterable {
        /// Only synced data.
        case all
        /// All data.
        case none
        /// Any part of the unsynced data, in any order, with the last sectors in parts.
        case some
    }
}

/// The folder's files after the first of a recording's entries.
struct RecordedFolder {
    private var files: [String: RecordedFile] = [:]

    mutating func apply(_ entry: Recording.Entry) {
        guard entry.name.isEmpty else {
            files[entry.name, default: RecordedFile()].apply(entry.operation)
            return
        }
        // Only a sync of the folder makes names, and their removal, durable.
        if case .sync = entry.operation {
            for name in files.keys { files[name]?.keepName() }
        }
    }

    /// The files as a power loss may leave them.
    func files(losing loss: Recording.Loss) -> [String: Data] {
        var left: [String: Data] = [:]
        for (name, file) in files {
            let isThere =
                switch loss {
                case .all: file.isNamed
                case .none: !file.isUnlinked
                case .some: file.isNamed == !file.isUnlinked ? file.isNamed : Bool.random()
                }
            if isThere { left[name] = file.content(losing: loss) }
        }
        return left
    }
}

private struct RecordedFile {
    private var synced = Data()
    private var since: [Recording.Operation] = []
    /// Whether its name would be found after a power loss.
    var isNamed = false
    var isUnlinked = false

    mutating func keepName() { isNamed = !isUnlinked }

    mutating func apply(_ operation: Recording.Operation) {
        switch operation {
        case .open:
            if isUnlinked { (synced, since, isUnlinked) = (Data(), [], false) }
        case .sync:
            for operation in since { Self.apply(operation, to: &synced) }
            since = []
        case .unlink: isUnlinked = true
        default: since.append(operation)
        }
    }

    func content(losing loss: Recording.Loss) -> Data {
        var data = synced
        for operation in since {
            switch loss {
            case .all: break
            case .none: Self.apply(operation, to: &data)
            case .some:
                guard Bool.random() else { continue }
                if case .write(let offset, let bytes) = operation, Bool.random() {
                    let sectors = Int.random(in: 0...bytes.count / 512)
                    Self.apply(.write(offset: offset, bytes.prefix(sectors * 512)), to: &data)
                } else {
                    Self.apply(operation, to: &data)
                }
            }
        }
        return data
    }

    private static func apply(_ operation: Recording.Operation, to data: inout Data) {
        switch operation {
        case .write(let offset, let bytes):
            if data.count < offset + bytes.count { data.count = offset + bytes.count }
            data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .append(let bytes): data += bytes
        case .truncate(let size): data.count = size
        case .sync, .unlink, .open: break
        }
    }
}
