import Testing

@testable import PostludeFastCGI

@Suite("InheritedSocket")
struct InheritedSocketTests {
    private func descriptor(_ variables: [String: String]) throws -> Int32 {
        try InheritedSocket.descriptor(environment: { variables[$0] }, pid: 42)
    }

    @Test(
        "is descriptor 0 if systemd passes none to this process",
        arguments: [
            [:], ["LISTEN_FDS": "1"], ["LISTEN_PID": "41", "LISTEN_FDS": "1"],
            ["LISTEN_PID": "42", "LISTEN_FDS": "0"], ["LISTEN_PID": "42", "LISTEN_FDS": "x"],
        ])
    func spawned(variables: [String: String]) throws {
        #expect(try descriptor(variables) == 0)
    }

    @Test("is systemd's one socket, whatever its name")
    func one() throws {
        for names in [[:], ["LISTEN_FDNAMES": "app"], ["LISTEN_FDNAMES": "connection"]] {
            #expect(try descriptor(["LISTEN_PID": "42", "LISTEN_FDS": "1"].merging(names) { $1 }) == 3)
        }
    }

    @Test("is not chosen among several; the error names them", arguments: ["", "a:b", "app:status"])
    func several(names: String) {
        #expect {
            try descriptor(["LISTEN_PID": "42", "LISTEN_FDS": "2", "LISTEN_FDNAMES": names])
        } throws: {
            "\($0)".contains("2 sockets (names: \(names.isEmpty ? "none" : names))")
        }
    }
}
