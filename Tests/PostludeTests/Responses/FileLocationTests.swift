import Foundation
import Testing

@testable import Postlude

@Suite("FileLocation")
struct FileLocationTests {
    private let folder: FileFolder

    init() throws { folder = try FileFolder() }

    private func body(_ name: String) throws -> FileBody { FileBody(try OpenFile(folder.file(name))) }

    @Test("a file below the root has a target, encoded so that nginx reads it", arguments: ["", "/"])
    func targets(slash: String) throws {
        let location = FileLocation(root: folder.file("root") + slash, internal: "/files" + slash)
        for (name, target) in [
            ("a.txt", "/files/a.txt"), ("b/grün & blau?.txt", "/files/b/gr%C3%BCn%20%26%20blau%3F.txt"),
            ("100%25#.txt", "/files/100%2525%23.txt"), ("a\r\nb", "/files/a%0D%0Ab"),
        ] {
            try folder.write("root/" + name, "x")
            #expect(location.target(of: try body("root/" + name)) == target)
        }
    }

    @Test("a file elsewhere has none")
    func elsewhere() throws {
        try folder.write("root/a", "x")
        try folder.write("root-b/a", "x")
        try folder.link("root/link", to: "../root-b/a")
        let location = FileLocation(root: folder.file("root"), internal: "/files/")
        #expect(location.target(of: try body("root-b/a")) == nil)
        #expect(location.target(of: try body("root/link")) == nil)
    }

    @Test("links in the root and in the path do not matter")
    func links() throws {
        try folder.write("root/a", "x")
        try folder.link("alias", to: "root")
        let location = FileLocation(root: folder.file("alias"), internal: "/files/")
        #expect(location.target(of: try body("alias/a")) == "/files/a")
        #expect(location.target(of: try body("root/a")) == "/files/a")
    }

    @Test("a file that was removed while it is open has no location")
    func removed() throws {
        try folder.write("root/a", "x")
        let descriptor = open(folder.file("root/a"), O_RDONLY)
        defer { close(descriptor) }
        try FileManager.default.removeItem(atPath: folder.file("root/a"))
        let body = FileBody(try OpenFile("/proc/self/fd/\(descriptor)"))
        #expect(FileLocation(root: folder.file("root"), internal: "/files/").target(of: body) == nil)
    }
}
