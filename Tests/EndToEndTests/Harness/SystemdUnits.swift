import Foundation

/// The units that the repository has for systemd, copied to a folder where systemd's own tools check them.
struct SystemdUnits {
    struct NoPlace: Error {
        let unit: String
    }

    let folder: TestFolder
    private var names = ["postlude.service", "postlude.socket"]

    init(in folder: TestFolder) throws {
        self.folder = folder
        for name in names {
            let path = BuildProducts.repository + "/nginx/" + name
            try folder.write(
                name, Self.withProgramOfThisMachine(String(contentsOfFile: path, encoding: .utf8)))
        }
    }

    /// Adds a file whose first line is a comment with its path below /etc/systemd/system.
    mutating func add(_ text: String) throws {
        let first = text.prefix { $0 != "\n" }
        guard let path = first.split(separator: "/etc/systemd/system/").dropFirst().first.map(String.init)
        else {
            throw NoPlace(unit: String(first))
        }
        try FileManager.default.createDirectory(
            atPath: (folder.file(path) as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        // Otherwise it adds to one of the units.
        if !path.contains("/") { names.append(path) }
        try folder.write(path, Self.withProgramOfThisMachine(text))
    }

    func verify() throws -> Command {
        try Command("systemd-analyze", ["verify", "--man=no"] + names.map(folder.file), in: folder)
    }

    /// - Parameter threshold: ten times the exposure that is too much.
    func rate(threshold: Int) throws -> Command {
        try Command(
            "systemd-analyze",
            [
                "security", "--offline=true", "--no-pager", "--threshold=\(threshold)",
                folder.file("postlude.service"),
            ], in: folder)
    }

    /// systemd looks whether the program is there.
    private static func withProgramOfThisMachine(_ text: String) -> String {
        text.replacing(/\/usr\/local\/bin\/[a-z]+/, with: "/bin/true")
    }
}
