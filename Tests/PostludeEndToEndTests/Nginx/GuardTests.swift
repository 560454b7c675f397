import Testing

@Suite("Guards of groups of routes, through nginx")
struct GuardTests {
    private static let manifest = TestManifest(
        "workers: { min: 1, max: 1, reserved-for-requests: 0 }",
        routes: """
              - { path: /hello, method: GET, handler: hello }
              - prefix: /admin
                middleware: [signed-in]
                routes:
                  - { path: /echo, method: POST, handler: echo, limits: { body: 100KiB } }
            """)

    @Test("Clients without credentials are refused, others reach the handlers with their bodies")
    func guarded() throws {
        try Server.run(Self.manifest) { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                let body = [UInt8](repeating: 120, count: 90_000)
                let refused = try client.ask("POST", "/admin/echo", body: body)
                #expect(refused.status == 401 && refused.field("WWW-Authenticate") == "Bearer")
                #expect(server.folder.events("calls").isEmpty)
                let credentials = ["Authorization: Bearer abc"]
                #expect(try client.ask("POST", "/admin/echo", fields: credentials, body: body).status == 200)
                let large = [UInt8](repeating: 120, count: 200_000)
                let tooLarge = try client.ask("POST", "/admin/echo", fields: credentials, body: large)
                #expect(tooLarge.status == 413)
                #expect(try client.ask("GET", "/hello").text == "hello")
            }
        }
    }

    @Test("A refused client gets its answer before it has sent its body, and does not hold the only worker")
    func early() throws {
        try Server.run(Self.manifest) { server in
            let request = RawRequest("POST", "/admin/echo").with {
                $0.body = [UInt8](repeating: 120, count: 50_000)
            }
            let peer = try server.peer()
            try peer.send(request.head + request.stdin.prefix(1_000))
            #expect(try peer.reply().status == 401)
            try server.expectAnswers()
        }
    }
}
