internal import Glibc
internal import PostludeManifest
internal import PostludeSystem

/// Corrects the mistakes in a manifest's file whose correction is certain: misspelled keys, missing slashes, methods in lower case.
struct ManifestFixes {
    /// A change, with the place at which it was found.
    struct Change {
        let location: SourceLocation
        let fix: TextFix

        var description: String { "\(location): changed \(quoted(fix.old)) to \(quoted(fix.new))" }
    }

    /// The changes, in the order in which they were made.
    private(set) var changes: [Change] = []
    private let path: String
    private let original: String
    private var text: String

    /// Mistakes can appear when others are corrected, such as those in a mapping whose key was misspelled.
    private static let maximumRounds = 10

    /// Finds the changes. The file is not changed.
    ///
    /// - Throws: `ManifestError` if the file cannot be read.
    init(of path: String, for handlers: Handlers) throws {
        self.path = path
        original = try Manifest.text(contentsOf: path)
        text = original
        for _ in 0..<Self.maximumRounds {
            let mistakes = Self.mistakes(in: text, of: path, for: handlers)
            let fixes = mistakes.compactMap(\.fix)
            guard !fixes.isEmpty else { return }
            changes += fixes.map {
                Change(location: SourceLocation(file: path, position: $0.position), fix: $0)
            }
            text = Manifest.text(text, applying: fixes)
        }
    }

    private static func mistakes(in text: String, of path: String, for handlers: Handlers) -> [Diagnostic] {
        do {
            _ = try handlers.manifest(text, file: path)
        } catch let error as ManifestError {
            return error.diagnostics
        } catch let error as HandlersError {
            return error.mistakes
        } catch {
            return []
        }
        return []
    }

    /// Writes the file, atomically and with its mode and owner, if the text is a valid manifest after the changes.
    ///
    /// - Returns: whether it was written.
    /// - Throws: an error if it could not be written. The file is then as it was.
    func apply(for handlers: Handlers) throws -> Bool {
        guard text != original, (try? handlers.manifest(text, file: path)) != nil else { return false }
        guard let resolved = realpath(path, nil) else { throw SystemError("find \(path)") }
        defer { free(resolved) }
        let target = String(cString: resolved)
        var status = stat()
        guard stat(target, &status) == 0 else { throw SystemError("stat \(target)") }
        let slash = target.lastIndex(of: "/") ?? target.startIndex
        let file = try UnnamedFile(in: slash == target.startIndex ? "/" : String(target[..<slash]))
        try file.write(Array(text.utf8).span)
        if status.st_uid != geteuid() || status.st_gid != getegid() {
            guard fchown(file.descriptor, status.st_uid, status.st_gid) == 0 else {
                throw SystemError("give \(path) to its owner")
            }
        }
        guard fsync(file.descriptor) == 0 else { throw SystemError("fsync") }
        guard try Manifest.text(contentsOf: path) == original else {
            throw ManifestChangedMeanwhile(path: path)
        }
        try file.move(to: target, mode: UInt32(status.st_mode) & 0o7777, isReplacing: true)
        return true
    }
}

/// The error of a manifest that another program has changed while it was checked.
struct ManifestChangedMeanwhile: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path) was changed while it was checked; run the command again" }
}
