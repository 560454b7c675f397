import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Response.file")
struct ResponseFilesTests {
    private let folder: FileFolder

    init() throws { folder = try FileFolder() }

    private func status(_ body: () throws -> Response) -> HTTPResponse.Status? {
        do {
            return try body().status
        } catch {
            return (error as? HTTPError)?.status
        }
    }

    @Test("a file has its type, its length and its validators")
    func plain() async throws {
        try folder.write("a.txt", "hello")
        try folder.setModified("a.txt", seconds: 784_111_777)
        let response = try Response.file(folder.file("a.txt"))
        #expect(response.status == .ok && response.contentType == "text/plain; charset=utf-8")
        #expect(response.body.count == 5 && response.body.bytes == nil)
        #expect(try await response.body.collect() == Array("hello".utf8))
        #expect(response.headers[.lastModified] == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(response.headers[.acceptRanges] == "bytes")
        #expect(response.headers[.xContentTypeOptions] == "nosniff")
        let tag = try #require(response.headers[.eTag])
        #expect(EntityTag(tag)?.isWeak == false)
        #expect(response.headers[.contentDisposition] == nil)
    }

    @Test("the application's values override the file's")
    func overridden() throws {
        try folder.write("a.txt", "hello")
        let response = try Response.file(
            folder.file("a.txt"), contentType: "text/x-own", download: "b.txt",
            headers: [.eTag: "\"own\"", .cacheControl: "private"])
        #expect(response.contentType == "text/x-own")
        #expect(response.headers[values: .eTag] == ["\"own\""])
        #expect(response.headers[.cacheControl] == "private")
        #expect(response.headers[.contentDisposition] == "attachment; filename=\"b.txt\"")
    }

    @Test("an ETag changes with the content, the length and the file")
    func entityTags() throws {
        func tag() throws -> String? { try Response.file(folder.file("a")).headers[.eTag] }
        try folder.write("a", "one")
        try folder.setModified("a", seconds: 1_000_000)
        let first = try tag()
        #expect(try tag() == first)
        try folder.setModified("a", seconds: 1_000_001)
        let second = try tag()
        try folder.write("a", "four")
        try folder.setModified("a", seconds: 1_000_001)
        let third = try tag()
        try folder.write("b", "four")
        try folder.setModified("b", seconds: 1_000_001)
        #expect(rename(folder.file("b"), folder.file("a")) == 0)
        #expect(Set([first, second, third, try tag()]).count == 4)
    }

    @Test("a modification date in the future counts as now")
    func future() throws {
        try folder.write("a", "x")
        try folder.setModified("a", seconds: 4_102_444_800)
        let modified = try #require(try Response.file(folder.file("a")).headers[.lastModified])
        #expect(try #require(HTTPDate(modified)) <= .now)
    }

    @Test("a file that is not regular is not found")
    func notFound() throws {
        #expect(mkfifo(folder.file("fifo"), 0o600) == 0)
        for path in [folder.file("none"), folder.path, folder.file("fifo"), "/dev/null", "", "a\0b"] {
            #expect(status { try .file(path) } == .notFound, "\(path)")
        }
    }

    @Test("a path that the application has chosen may be a link")
    func trustedLink() throws {
        try folder.write("real.txt", "x")
        try folder.link("link.txt", to: folder.file("real.txt"))
        let response = try Response.file(folder.file("link.txt"))
        guard case .file(let file) = response.body else { throw HTTPError(.notFound) }
        #expect(file.path == folder.file("real.txt"))
    }

    @Test("a name below a folder is found", arguments: ["a.txt", "b/c.txt", "b/..c.txt"])
    func named(name: String) throws {
        let found = name.contains("..") ? HTTPResponse.Status.notFound : .ok
        try folder.write("root/a.txt", "x")
        try folder.write("root/b/c.txt", "x")
        try folder.write("root/b/..c.txt", "x")
        #expect(status { try .file(named: name, in: folder.file("root")) } == found)
        #expect(status { try .file(named: name, in: folder.file("root/")) } == found)
    }

    @Test(
        "no name leads out of the folder, and none leads to a hidden file",
        arguments: [
            "../secret", "b/../../secret", "./a.txt", "b/./c.txt", "/a.txt", "//a.txt", "b//c.txt", "a.txt/",
            "", "/", ".", "..", ".hidden", "b/.hidden", ".git/config", "a.txt\0", "a.txt\0.png", "..\\secret",
            "b", "b/", "link", "folder-link/secret", "absolute-link", "dangling", "loop", "up/secret",
            "shown",
        ])
    func escapes(name: String) throws {
        try folder.write("secret", "s")
        try folder.write("outside/secret", "s")
        for file in ["a.txt", "b/c.txt", ".hidden", "b/.hidden", ".git/config"] {
            try folder.write("root/" + file, "x")
        }
        try folder.link("root/link", to: "../secret")
        try folder.link("root/absolute-link", to: folder.file("secret"))
        try folder.link("root/folder-link", to: "../outside")
        try folder.link("root/up", to: "..")
        try folder.link("root/dangling", to: "nothing")
        try folder.link("root/loop", to: "loop")
        try folder.link("root/shown", to: ".hidden")
        #expect(status { try .file(named: name, in: folder.file("root")) } == .notFound)
    }

    @Test("a sibling folder whose name begins with the folder's is not part of it")
    func sibling() throws {
        try folder.write("root-secret/a", "s")
        try folder.write("root/b", "x")
        try folder.link("root/a", to: "../root-secret/a")
        #expect(status { try .file(named: "a", in: folder.file("root")) } == .notFound)
    }

    @Test("a link inside the folder is followed, and the folder itself may be one")
    func innerLink() throws {
        try folder.write("root/a.txt", "x")
        try folder.link("root/link.txt", to: "a.txt")
        try folder.link("alias", to: "root")
        #expect(status { try .file(named: "link.txt", in: folder.file("alias")) } == .ok)
    }

    @Test("a missing folder is the application's mistake")
    func noRoot() {
        #expect(throws: (any Error).self) { try Response.file(named: "a", in: folder.file("none")) }
        #expect(status { try .file(named: "a", in: folder.file("none")) } == nil)
    }

    @Test("a file that becomes shorter cannot be read to its end")
    func shrinks() async throws {
        try folder.write("a", String(repeating: "x", count: 200_000))
        let response = try Response.file(folder.file("a"))
        #expect(truncate(folder.file("a"), 100_000) == 0)
        await #expect(throws: FileShrank.self) { try await response.body.collect() }
    }

    @Test("a replaced file is sent with its old content")
    func replaced() async throws {
        try folder.write("a", "old")
        let response = try Response.file(folder.file("a"))
        try folder.write("b", "newer")
        #expect(rename(folder.file("b"), folder.file("a")) == 0)
        #expect(try await response.body.collect() == Array("old".utf8))
    }
}
