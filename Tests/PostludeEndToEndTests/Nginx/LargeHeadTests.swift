import FoundationEssentials
import Testing

@Suite("Large response heads", .timeLimit(.minutes(10)))
struct LargeHeadTests {
    @Test(
        "nginx accepts every head that the library allows, and the log explains a head that it does not allow"
    )
    func nginx() throws {
        try Server.run { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                for size in [3_990, 8_000, 14_300] {
                    let reply = try client.ask("GET", "/large-head?size=\(size)")
                    #expect(reply.status == 200 && reply.field("Set-Cookie")?.utf8.count == size)
                }
                _ = try server.folder.events(reaches: 3)
                let reply = try client.ask("GET", "/large-head?size=14400")
                #expect(reply.status == 500 && reply.text.contains("request_id"), "\(reply.text)")
                _ = try server.logLine(holding: "header fields", "14336", "Set-Cookie", "/large-head")
                #expect(try client.ask("GET", "/hello").text == "hello")
                #expect(server.folder.events().count == 3, "the tasks of a request that failed do not run")
            }
        }
    }

    @Test(
        "The demo's site and the production site accept heads of the same size",
        arguments: ["nginx.conf", "postlude.conf"])
    func sites(name: String) throws {
        let path = "\(BuildProducts.repository)/nginx/\(name)"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("fastcgi_buffer_size 20k;") && text.contains("fastcgi_buffers 8 16k;"))
    }
}
