internal import PostludeSystem
internal import PostludeTaskStore

/// The progress that running tasks have reported, written to the task store a few times a second for each.
final class ProgressNotes: Sendable {
    private struct Note {
        var written: MonotonicTime
        /// The last report, if it is not written yet.
        var pending: RecordProgress?
    }

    private static let interval = Duration.milliseconds(250)

    private let notes = Lock<[RecordID: Note]>([:])

    /// Writes a report, or keeps it for the next time at which one may be written.
    func report(_ progress: RecordProgress, of id: RecordID, to taskStore: any RecordStore) {
        let now = MonotonicTime.now
        let isDue = notes.withLock { notes in
            if let note = notes[id], now - note.written < Self.interval {
                notes[id]?.pending = progress
                return false
            }
            notes[id] = Note(written: now)
            return true
        }
        if isDue { taskStore.reached(progress, by: id) }
    }

    /// Writes the reports that may be written by now. Called about once a second.
    func flush(to taskStore: any RecordStore) {
        let now = MonotonicTime.now
        let due = notes.withLock { notes in
            var due: [(RecordID, RecordProgress)] = []
            for (id, note) in notes where now - note.written >= Self.interval {
                guard let pending = note.pending else { continue }
                due.append((id, pending))
                notes[id] = Note(written: now)
            }
            return due
        }
        for (id, progress) in due { taskStore.reached(progress, by: id) }
    }

    /// Writes the last report of an attempt that has ended.
    func end(_ id: RecordID, to taskStore: any RecordStore) {
        let pending = notes.withLock { $0.removeValue(forKey: id)?.pending }
        if let pending { taskStore.reached(pending, by: id) }
    }
}
