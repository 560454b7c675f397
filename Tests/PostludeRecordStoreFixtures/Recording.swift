package import Foundation
internal import PostludeSystem

/// The changes that programs make to the files of a folder, recorded by Interpose/record_writes.c.
package struct Recording {
    package enum Operation {
        case write(offset: Int, Data)
        case append(Data)
        case truncate(Int)
        case sync
        case unlink
        case open
        case rename(String)
    }

    package struct Entry {
        package let name: String
        package let operation: Operation

        /// The ids that it acknowledges, one in each line of a file whose name ends in `-marks`.
        package var acknowledged: [String] {
            guard name.hasSuffix("-marks"), case .append(let data) = operation else { return [] }
            return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    package let entries: [Entry]
    /// The contents of the files before the recording began, by their names.
    private let originals: [String: Data]

    /// Compiles the library that records.
    ///
    /// - Returns: the environment that a program needs.
    package static func environment(
        recording folder: String, to file: String, library: String
    ) throws -> [String: String] {
        try Interposer.compile(
            Interposer.source("record_writes.c"), to: library, linking: "-ldl", "-lpthread")
        return environment(recording: folder, to: file, by: library)
    }

    /// Returns the environment that another program needs, whose changes are recorded in the same file.
    package static func environment(
        recording folder: String, to file: String, by library: String
    ) -> [String: String] {
        ["LD_PRELOAD": library, "RECORD_FOLDER": folder, "RECORD_TO": file]
    }

    /// Runs a command of `PostludeTaskStoreTestbed` to its end, and records it.
    ///
    /// - Parameter folder: the folder whose files are recorded.
    /// - Returns: the recording, and the lines of the command's output.
    package static func of(
        _ command: String, _ arguments: [String], _ fixture: any RecordStoreFixture, in folder: String
    ) throws -> (recording: Recording, lines: [String]) {
        let tools = try SQLiteFileFixture()
        let environment = try environment(
            recording: folder, to: tools.folder + "/recording", library: tools.folder + "/record.so")
        let originals = try contents(of: folder)
        let helper = try StoreProcess(command, fixture, arguments, environment: environment)
        let lines = helper.lines()
        guard helper.finish() == 0 else { throw CocoaError(.executableRuntimeMismatch) }
        return (try Recording(tools.folder + "/recording", originals: originals), lines)
    }

    /// Returns the contents of the files in a folder and in those within it, by their names without the folder's.
    package static func contents(of folder: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            var isFolder: ObjCBool = false
            let path = folder + "/" + name
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            contents[name] = try Data(contentsOf: URL(fileURLWithPath: path))
        }
        return contents
    }

    /// - Parameters:
    ///   - file: the file with the recording.
    ///   - originals: the contents of the files before it began, all of which are synced.
    package init(_ file: String, originals: [String: Data] = [:]) throws {
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
                case 5: .open
                case 6: .rename(String(decoding: data, as: UTF8.self))
                default: throw SystemError("an unknown operation in a recording", errno: EINVAL)
                }
            entries.append(Entry(name: name, operation: known))
        }
        self.entries = entries
        self.originals = originals
    }

    /// The data that survives a power loss.
    package enum Loss: CaseIterable, Sendable {
        /// Only synced data.
        case all
        /// All data.
        case none
        /// Any part of the unsynced data, in any order, with the last sectors in parts.
        case some
    }
}

extension Recording {
    /// Whether the WAL of an SQLite database was checkpointed and restarted before the last mark.
    package func isCheckpointed(_ database: String) -> Bool {
        guard let last = entries.lastIndex(where: { $0.name.hasSuffix("-marks") }) else { return false }
        var isMoved = false
        for entry in entries[..<last] {
            guard case .write(let offset, _) = entry.operation else { continue }
            if entry.name == database, offset > 1 << 20 { isMoved = true }
            if entry.name == database + "-wal", offset == 0, isMoved { return true }
        }
        return false
    }

    /// Calls `body` with the files as a power loss may leave them, at many places of the recording.
    ///
    /// - Parameters:
    ///   - step: how many writes lie between two places at which it is called. The states before and after a sync, a truncation, a
    ///     removal or a mark are always tried.
    ///   - body: gets the files, the ids that are acknowledged by then, and what was lost.
    /// - Returns: the number of states that were tried.
    package func forEachState(
        every step: Int,
        _ body: (_ files: [String: Data], _ acknowledged: Set<String>, _ loss: String) throws -> Void
    ) rethrows -> Int {
        var folder = RecordedFolder(originals)
        var acknowledged: Set<String> = []
        var checked = 0
        var isTurn = true
        for (prefix, entry) in (entries.map(Optional.some) + [nil]).enumerated() {
            let isWrite = if case .write = entry?.operation { true } else { false }
            if isTurn || !isWrite || prefix % step == 0 {
                for loss in Loss.allCases {
                    let what = "\(loss) lost behind \(prefix) of \(entries.count)"
                    try body(folder.files(losing: loss), acknowledged, what)
                    checked += 1
                }
            }
            isTurn = !isWrite
            if let entry {
                folder.apply(entry)
                acknowledged.formUnion(entry.acknowledged)
            }
        }
        return checked
    }
}

/// A folder's files after the first of a recording's entries.
package struct RecordedFolder {
    private var files: [String: RecordedFile]
    private let keepsNames: Bool
    /// The names of the files that were changed or removed.
    package private(set) var changed: Set<String> = []

    /// - Parameters:
    ///   - originals: the contents of the files, all of which are synced.
    ///   - keepsNames: whether the file system's journal keeps new names and removals without a sync of their folder.
    package init(_ originals: [String: Data] = [:], keepsNames: Bool = false) {
        files = originals.mapValues { RecordedFile(synced: $0) }
        self.keepsNames = keepsNames
    }

    package mutating func apply(_ entry: Recording.Entry) {
        if case .rename(let new) = entry.operation {
            // The name moves with the file. Programs sync its folder afterwards.
            var file = files[entry.name, default: RecordedFile()]
            file.isNamed = true
            files[new] = file
            files[entry.name] = RecordedFile()
            files[entry.name]?.apply(.unlink)
            changed.formUnion([entry.name, new])
            return
        }
        guard entry.name.isEmpty else {
            files[entry.name, default: RecordedFile()].apply(entry.operation)
            if keepsNames { files[entry.name]?.keepName() }
            if case .sync = entry.operation { return }
            changed.insert(entry.name)
            return
        }
        // Only a sync of the folder makes names, and their removal, durable.
        if case .sync = entry.operation {
            for name in files.keys { files[name]?.keepName() }
        }
    }

    /// The files as a power loss may leave them.
    package func files(losing loss: Recording.Loss) -> [String: Data] {
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

    init() {}

    /// - Parameter synced: the content of a file that exists.
    init(synced: Data) { (self.synced, isNamed) = (synced, true) }

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
            // Not `replaceSubrange`, which moves what is behind.
            data.withUnsafeMutableBytes { $0[offset..<offset + bytes.count].copyBytes(from: bytes) }
        case .append(let bytes): data += bytes
        case .truncate(let size): data.count = size
        case .sync, .unlink, .open, .rename: break
        }
    }
}
