import Testing

@testable import PostludeSupervision

@Suite("The path of the running program's file")
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

    @Test("An empty entry in PATH is the current folder")
    func emptyPlace() {
        #expect(ExecutablePath.absolute(of: "sh", search: "/nowhere:", folder: "/bin") == "/bin/sh")
    }
}
