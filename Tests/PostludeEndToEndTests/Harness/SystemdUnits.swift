import Foundation
import Testing

/// The repository's systemd units, with an application's name as in the documentation, in a folder in which
/// systemd's own tools check them.
struct SystemdUnits {
    struct NoPlace: Error {
        let unit: String
    }

    let folder: TestFolder
    private var names = ["shop.service", "shop.socket"]

    init(in folder: TestFolder) throws {
        self.folder = folder
        for name in names {
            let file = BuildProducts.repository + "/nginx/" + name.replacing("shop", with: "postlude")
            let command = try Command("sed", [Self.renaming, file], in: folder)
            try folder.write(name, Self.withProgramOfThisMachine(command.output))
        }
    }

    /// The documentation's commands for installing an application, by the page that has them.
    static func installation(on page: String) throws -> String {
        let text = try String(contentsOfFile: BuildProducts.repository + "/" + page, encoding: .utf8)
        let blocks = text.matches(of: #/```sh\n((?:[^`]+|`[^`])*?)```/#).map { String($0.1) }
        return try #require(blocks.first { $0.contains("systemctl enable") }, "\(page) has the commands")
    }

    /// The sed script that gives the units the application's name.
    private static var renaming: String {
        get throws {
            let commands = try installation(on: "nginx/README.md")
            return String(try #require(commands.firstMatch(of: #/sed '([^']+)'/#)).1)
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
        // Any other file is an addition to one of the units.
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
                folder.file("shop.service"),
            ], in: folder)
    }

    /// systemd checks whether the program exists.
    private static func withProgramOfThisMachine(_ text: String) -> String {
        text.replacing(/\/usr\/local\/bin\/[a-z]+/, with: "/bin/true")
    }
}
