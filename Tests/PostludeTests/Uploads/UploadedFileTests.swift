import Foundation
import Glibc
import HTTPTypes
import Logging
import Testing

@testable import Postlude
@testable import PostludeSystem

@Suite("UploadedFile")
final class UploadedFileTests {
    private let folder: String

    init() throws {
        folder = "/var/tmp/postlude-uploads-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func upload(_ content: String, named filename: String = "f") throws -> UploadedFile {
        var fixture = MultipartFixture.form(("name=f; filename=\"\(filename)\"", content))
        fixture.folder = folder
        return try #require(try fixture.form().file("f"))
    }

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    private func text(_ name: String, in other: String? = nil) -> String? {
        FileManager.default.contents(atPath: "\(other ?? folder)/\(name)").map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test("a file has no name of its own, and a path that any library can open")
    func path() throws {
        let file = try upload("hello")
        #expect(try names(in: folder).isEmpty)
        #expect(FileManager.default.contents(atPath: file.path) == Data("hello".utf8))
        var status = stat()
        #expect(stat(file.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
    }

    @Test("the request's storage keeps a file alive, and nothing else is needed")
    func lifetime() throws {
        var request: Request? = try {
            var fixture = MultipartFixture.form(("name=f; filename=f", "hello"))
            fixture.folder = folder
            return try fixture.request()
        }()
        let path = try MultipartForm(request: #require(request)).file("f")?.path ?? ""
        #expect(FileManager.default.contents(atPath: path) == Data("hello".utf8))
        request = nil
        // The descriptor may be another file's by now: it is not this one's.
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: path))?.hasPrefix(folder) != true)
    }

    @Test("a form that is refused midway leaves neither a file nor a descriptor")
    func refusedForm() throws {
        for ending in ["--edge\r\nnonsense\r\n\r\n", ""] {
            var fixture = MultipartFixture()
            for index in 0..<20 { fixture.add("name=f; filename=f", "content \(index)") }
            fixture.body += Array(ending.utf8)
            fixture.folder = folder
            #expect(fixture.refusal().hasPrefix("400 "))
        }
        struct Other: Decodable { var title: String }
        var fixture = MultipartFixture.form(("name=f; filename=f", "x"))
        fixture.folder = folder
        #expect(throws: InputError.self) { try fixture.decode(Other.self) }
        #expect(try names(in: folder).isEmpty)
        #expect(openDescriptors(in: folder) == 0)
    }

    private func openDescriptors(in folder: String) -> Int {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return numbers.count { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target?.hasPrefix(folder) == true
        }
    }

    @Test("a file can be read in parts, in pieces and as a whole")
    func reading() throws {
        let file = try upload("0123456789")
        #expect(try file.read(at: 3, upTo: 4) == Array("3456".utf8))
        #expect(try file.read(at: 8) == Array("89".utf8))
        #expect(try file.read(at: 10).isEmpty)
        #expect(try file.read(at: -1).isEmpty)
        #expect(try file.read(at: .max, upTo: .max).isEmpty)
        var pieces: [String] = []
        try file.forEachPiece(of: 4) { pieces.append(String(decoding: $0, as: UTF8.self)) }
        #expect(pieces == ["0123", "4567", "89"])
        #expect(try file.contents(limit: 10) == Array("0123456789".utf8))
        let error = #expect(throws: UploadedFileError.self) { try file.contents(limit: 9) }
        #expect(error?.code == .tooLarge)
    }

    // MARK: Keeping

    @Test("a moved file stays for good, and stays readable")
    func moving() throws {
        let target = folder + "/kept"
        try upload("hello").move(to: target, permissions: 0o640)
        #expect(text("kept") == "hello")
        #expect(try names(in: folder) == ["kept"])
        var status = stat()
        #expect(stat(target, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o640)
    }

    @Test("a file that is kept twice is two files")
    func keptTwice() throws {
        let file = try upload("hello")
        try file.copy(to: folder + "/copy")
        try file.move(to: folder + "/one")
        try file.move(to: folder + "/two")
        #expect(try names(in: folder) == ["copy", "one", "two"])
        for name in ["copy", "one", "two"] {
            var status = stat()
            #expect(stat(folder + "/" + name, &status) == 0)
            #expect(status.st_nlink == 1)
            #expect(text(name) == "hello")
        }
    }

    @Test("an existing file is replaced only on request")
    func replacing() throws {
        let target = folder + "/kept"
        try Data("old".utf8).write(to: URL(filePath: target))
        let file = try upload("new")
        for keep in [file.move, file.copy] {
            let error = #expect(throws: UploadedFileError.self) { try keep(target, false, 0o600) }
            #expect(error?.code == .exists)
            #expect(text("kept") == "old")
        }
        try file.copy(to: target, replacing: true)
        #expect(text("kept") == "new")
        try upload("newer").move(to: target, replacing: true)
        #expect(text("kept") == "newer")
        #expect(try names(in: folder) == ["kept"])
    }

    @Test("an error says why, and leaves nothing behind")
    func failing() throws {
        let file = try upload("hello")
        for keep in [file.move, file.copy] {
            for target in [folder + "/nowhere/file", folder, ""] {
                #expect(throws: UploadedFileError.self) { try keep(target, true, 0o600) }
            }
        }
        #expect(try names(in: folder).isEmpty)
        try file.move(to: folder + "/still")
        #expect(text("still") == "hello")
    }

    @Test("a file goes to another file system as a copy", .enabled(if: isSharedMemoryElsewhere))
    func otherFileSystem() throws {
        let other = "/dev/shm/\(URL(filePath: folder).lastPathComponent)"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: other) }
        let file = try upload("hello")
        try file.move(to: other + "/kept")
        #expect(text("kept", in: other) == "hello")
        #expect(throws: UploadedFileError.self) { try file.move(to: other + "/kept") }
        #expect(try names(in: other) == ["kept"])
    }

    private static var isSharedMemoryElsewhere: Bool {
        var (one, other) = (stat(), stat())
        return stat("/dev/shm", &one) == 0 && stat("/var/tmp", &other) == 0 && one.st_dev != other.st_dev
    }

    @Test("if every file has a name, one is created and unlinked, and kept as a copy")
    func unlinkedFile() throws {
        let unlinked = try UnnamedFile(unlinkedIn: folder)
        try unlinked.write(Array("hello".utf8).span)
        #expect(try names(in: folder).isEmpty)
        let file = UploadedFile(filename: nil, contentType: nil, size: 5, storage: unlinked)
        #expect(FileManager.default.contents(atPath: file.path) == Data("hello".utf8))
        try file.move(to: folder + "/kept")
        #expect(text("kept") == "hello")
        #expect(try names(in: folder) == ["kept"])
    }

    @Test("there a copy gets its name at once, too, and replaces an existing file only on request")
    func copiesUnderNames() throws {
        let target = folder + "/kept"
        try upload("one").storage.copyUnderName(to: target, mode: 0o600, isReplacing: false)
        let file = try upload("two").storage
        let error = #expect(throws: SystemError.self) {
            try file.copyUnderName(to: target, mode: 0o600, isReplacing: false)
        }
        #expect(error?.errno == EEXIST)
        #expect(text("kept") == "one")
        try file.copyUnderName(to: target, mode: 0o600, isReplacing: true)
        #expect(text("kept") == "two")
        #expect(try names(in: folder) == ["kept"])
    }

    @Test("the folder of a path is the part before its last component")
    func folders() {
        #expect(TemporaryName.folder(of: "/a") == "/")
        #expect(TemporaryName.folder(of: "a") == ".")
        #expect(TemporaryName.folder(of: "/a/b") == "/a")
    }

    // MARK: Exhaustion

    @Test("a full disk is 507, and the log says why")
    func fullDisk() throws {
        let log = RecordedLog()
        let refusal = { (code: Int32) in
            withLogger(log.logger) { _ in
                MultipartForm.refusal(
                    of: SystemError("write to a file", errno: code), storing: "/var/uploads")
            }
        }
        #expect(refusal(ENOSPC)?.status.code == 507)
        let entry = try #require(log.entries("an upload could not be stored").first)
        #expect(entry.level == .error)
        #expect(entry.metadata["folder"] == "/var/uploads")
        #expect(entry.metadata["error"]?.contains("No space left") == true)
        #expect([EDQUOT, EFBIG].map { refusal($0)?.status.code } == [507, 507])
        #expect([EMFILE, ENFILE].map { refusal($0)?.status } == [.serviceUnavailable, .serviceUnavailable])
        #expect(log.entries.count == 5)
        #expect(refusal(EACCES) == nil)
    }

    @Test("a missing folder is the operator's mistake, and is named")
    func noFolder() {
        var fixture = MultipartFixture.form(("name=f; filename=f", "x"))
        fixture.folder = folder + "/nowhere"
        #expect(fixture.refusal().contains(fixture.folder))
    }
}
