import Glibc
import PostludeSystem
import Testing

@Suite("FileIdentity")
struct FileIdentityTests {
    @Test("Is the same under each name and each descriptor of a file, and differs from another file's")
    func names() throws {
        let folder = try TemporaryFolder()
        try folder.write("a")
        try folder.write("b")
        #expect(link(folder.file("a"), folder.file("link")) == 0)
        #expect(symlink("a", folder.file("symlink")) == 0)
        let identity = try #require(FileIdentity(path: folder.file("a")))
        #expect(FileIdentity(path: folder.file("link")) == identity)
        #expect(FileIdentity(path: folder.file("symlink")) == identity)
        #expect(FileIdentity(path: folder.file("b")) != identity)
        let descriptor = open(folder.file("a"), O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(rename(folder.file("b"), folder.file("a")) == 0)
        #expect(FileIdentity(descriptor: descriptor) == identity)
        #expect(FileIdentity(path: folder.file("a")) != identity)
    }

    @Test("Is nil if there is no file")
    func none() throws {
        #expect(try FileIdentity(path: TemporaryFolder().file("none")) == nil)
        #expect(FileIdentity(descriptor: -1) == nil)
    }
}
