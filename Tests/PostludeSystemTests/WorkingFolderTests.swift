import Glibc
import Testing

@testable import PostludeSystem

@Suite("WorkingFolder")
struct WorkingFolderTests {
    private let folder: TemporaryFolder
    private let real: String

    init() throws {
        folder = try TemporaryFolder()
        let resolved = try #require(realpath(folder.path, nil))
        defer { free(resolved) }
        real = String(cString: resolved) + "/release"
        #expect(mkdir(real, 0o755) == 0)
        #expect(symlink("release", folder.file("current")) == 0)
        #expect(mkdir(folder.file("other"), 0o755) == 0)
    }

    @Test("A shell's name for the folder is kept if it leads there")
    func linked() {
        let working = WorkingFolder(real: real, called: folder.file("current"))
        #expect(working.isLinked && working.path == folder.file("current"))
        #expect(working.path(of: "routes.yaml") == folder.file("current/routes.yaml"))
        #expect(working.path(of: "/etc/routes.yaml") == "/etc/routes.yaml")
    }

    @Test("A name that leads elsewhere, is relative or has dots is not used")
    func refused() {
        let names = [
            nil, "", "current", folder.file("other"), folder.file("none"), folder.file("other/../current"),
            folder.file("./current"), real,
        ]
        for name in names {
            let working = WorkingFolder(real: real, called: name)
            #expect(!working.isLinked && working.path == real, "\(name ?? "nil")")
        }
    }

    @Test("Entering a removed folder is an error")
    func gone() {
        let error = #expect(throws: SystemError.self) {
            try WorkingFolder(real: folder.file("none"), called: nil).enter()
        }
        #expect(error?.errno == ENOENT)
    }
}
