import Foundation
import Testing

@testable import PostludeSupervision
@testable import PostludeSystem

@Suite("Where the running program's file is")
struct ExecutablePathTests {
    @Test(
        "An absolute path stays, a relative one begins at the folder, a name is searched for",
        arguments: [
            ("/opt/current/app", "/opt/current/app"), ("./app", "/srv/./app"), ("bin/app", "/srv/bin/app"),
            ("sh", "/bin/sh"), ("no-such-program-anywhere", nil), ("", nil),
        ] as [(String, String?)])
    func path(name: String, expected: String?) {
        #expect(ExecutablePath.absolute(of: name, search: "/nowhere:/bin", folder: "/srv") == expected)
    }

    @Test("An empty place in PATH is the current folder")
    func emptyPlace() {
        #expect(ExecutablePath.absolute(of: "sh", search: "/nowhere:", folder: "/bin") == "/bin/sh")
    }
}

@Suite("The folder that a program was started in")
struct WorkingFolderTests {
    @Test("It has the name by which the caller knows it, if that name leads there")
    func name() throws {
        let manager = FileManager.default
        let place = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
        let root = "\(place)/postlude-\(UUID().uuidString)"
        defer { try? manager.removeItem(atPath: root) }
        for release in 1...2 {
            try manager.createDirectory(
                atPath: "\(root)/releases/\(release)", withIntermediateDirectories: true)
        }
        try manager.createSymbolicLink(atPath: "\(root)/current", withDestinationPath: "releases/1")
        let real = "\(root)/releases/1"
        let linked = WorkingFolder(real: real, called: "\(root)/current")
        #expect(linked.isLinked && linked.path == "\(root)/current")
        #expect(linked.path(of: "app") == "\(root)/current/app" && linked.path(of: "/bin/sh") == "/bin/sh")
        let others = [
            nil, "", "current", real, "\(root)/releases/2", "\(root)/nowhere", "\(root)/releases/../current",
            "\(root)/./current",
        ]
        for name in others {
            let folder = WorkingFolder(real: real, called: name)
            #expect(!folder.isLinked && folder.path == real, "\(name ?? "no name")")
        }
    }
}
