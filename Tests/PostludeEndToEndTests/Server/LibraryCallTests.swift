import Foundation
import Testing

@Suite("libfcgi serves every request")
struct LibraryCallTests {
    @Test("FCGX_Accept_r and FCGX_Finish_r are called once for each request")
    func counts() throws {
        let folder = try TestFolder()
        let source = BuildProducts.repository + "/Tests/PostludeEndToEndTests/Interpose/count_calls.c"
        let compiled = try Command(
            "gcc",
            ["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", folder.file("count.so"), source, "-ldl"],
            in: folder)
        try #require(compiled.exit == .status(0), "\(compiled.errors)")
        let environment = ["LD_PRELOAD": folder.file("count.so"), "COUNT_CALLS": folder.file("counts")]
        var requests: UInt64 = 0
        try Server.run(in: folder, environment: environment, awaitingAnswer: false) { server in
            let peer = try server.peer()
            for number in 1...40 {
                #expect(try peer.ask(RawRequest("GET", "/tagged?tag=\(number)")).text == "\(number)")
                #expect(try server.ask(RawRequest("GET", "/hello").with { $0.keep = false }).text == "hello")
                let body = [UInt8](repeating: 1, count: number * 1_000)
                #expect(try peer.ask(RawRequest("POST", "/echo").with { $0.body = body }).status == 200)
                #expect(try peer.ask(RawRequest("GET", "/missing")).status == 404)
                #expect(try peer.ask(RawRequest("GET", "/main-actor")).status == 200)
                requests += 5
            }
            _ = try server.ask(RawRequest("GET", "/steps"))
            requests += 1
            _ = try folder.events(reaches: 1)
        }
        let data = try #require(FileManager.default.contents(atPath: folder.file("counts")))
        let counts = data.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
        #expect(counts == [requests, requests])
    }
}
