import Foundation
import Testing

/// Who may see the status pages, and change tasks there, by what the web server passes.
@Suite("The roles of the status pages", .timeLimit(.minutes(10)))
struct StatusRoleTests {
    private static func run(_ roles: String, _ body: (Server, Endpoint) throws -> Void) throws {
        let folder = try TestFolder()
        let status = Endpoint.unix(folder.file("status.socket"))
        let settings = """
            workers: { min: 2, max: 2 }
            log: { access: { to: ./access.log } }
            status: { listen: \(status), task-actions: true, \(roles) }
            """
        try DurableServer.run(settings, in: folder) { try body($0, status) }
    }

    private static func ask(
        _ target: String, _ parameters: (String, String)..., method: String = "GET", at status: Endpoint
    ) throws -> FastCGIReply {
        try FastCGIPeer(status).ask(
            RawRequest(method, target).with {
                $0.parameters += parameters
                if method == "POST" { $0.parameters.append(("HTTP_POSTLUDE_TASK_ACTION", "1")) }
            })
    }

    @Test(
        "Viewers see the pages, operators change tasks and see their values, others see nothing; who has changed a task is recorded"
    )
    func users() throws {
        try Self.run("viewers: [bob], operators: [ada]") { server, status in
            let (ada, bob, eve) = (
                ("REMOTE_USER", "ada"), ("REMOTE_USER", "bob"), ("REMOTE_USER", "eve")
            )
            let reply = try server.ask(
                RawRequest("POST", "/single?label=secret&after=3600000").with {
                    $0.parameters = [("REQUEST_ID", "req-1")]
                })
            let id = try #require(try reply.http.json([String: [String]].self)["ids"]?.first)
            for page in [
                "/status", "/status.json", "/status.json?dead-letters", "/status.json?search=\(id)",
                "/metrics",
            ] {
                #expect(try Self.ask(page, ada, at: status).status == 200, "\(page)")
                #expect(try Self.ask(page, bob, at: status).status == 200, "\(page)")
                #expect(try Self.ask(page, eve, at: status).status == 403, "\(page)")
                #expect(try Self.ask(page, at: status).status == 403, "\(page)")
            }
            #expect(try Self.ask("/ping", at: status).text == "pong")
            #expect(try Self.ask("/status.json", ada, at: status).text.contains(#""task actions":true"#))
            #expect(try Self.ask("/status.json", bob, at: status).text.contains(#""task actions":false"#))

            // Values may be personal data.
            let search = "/status.json?search=req-1"
            #expect(try Self.ask(search, ada, at: status).text.contains("secret"))
            let seen = try Self.ask(search, bob, at: status).text
            #expect(seen.contains(id) && !seen.contains(#"\"label\""#), "\(seen)")

            let pause = "/status?pause=Step"
            for (who, reason) in [(bob, "`operators`"), (eve, "`viewers`")] {
                let refusal = try Self.ask(pause, who, method: "POST", at: status)
                #expect(refusal.status == 403 && refusal.text.contains(reason), "\(refusal.text)")
            }
            #expect(try Self.ask(pause, ada, method: "POST", at: status).status == 200)
            let report = try Self.ask("/status.json", bob, at: status).text
            #expect(
                report.contains(#""action":"pause""#) && report.contains(#""who":"ada""#), "\(report)")
            _ = try server.logLine(holding: "were changed on the status page", "user=ada", "target=Step")

            // The command is a user of this machine, who may open the socket.
            let command = try Command(
                BuildProducts.durableTestbed, ["status", "--socket", "\(status)"], in: server.folder)
            #expect(command.exit == .status(0) && command.output.contains("no problems"), "\(command)")
        }
    }

    @Test(
        "The users are in a header that the web server sets; a request from another site's page changes nothing"
    )
    func header() throws {
        try Self.run("operators: [on-call], user-header: X-Groups") { server, status in
            _ = try server.add("/single?label=a&key=k&after=3600000")
            let groups = ("HTTP_X_GROUPS", "staff, on-call")
            let site = "HTTP_SEC_FETCH_SITE"
            let pause = "/status?pause=Step&key=k"
            for other in ["cross-site", "same-site", "none"] {
                let refusal = try Self.ask(pause, groups, (site, other), method: "POST", at: status)
                #expect(refusal.status == 403 && refusal.text.contains("another site"), "\(other)")
            }
            #expect(try Self.ask(pause, ("HTTP_X_GROUPS", "staff"), method: "POST", at: status).status == 403)
            #expect(
                try Self.ask(pause, groups, (site, "same-origin"), method: "POST", at: status).status == 200)
            let report = try Self.ask("/status.json", at: status).text
            #expect(report.contains(#""key":"k""#) && report.contains("staff, on-call"), "\(report)")
            for (query, answer) in [
                ("resume=Step&key=other", 409), ("retry=Step&key=k", 400), ("pause=Step&key=k&key=k", 400),
                ("resume=Nobody&key=k", 404), ("resume=Step&key=k", 200),
            ] {
                #expect(
                    try Self.ask("/status?\(query)", groups, method: "POST", at: status).status == answer,
                    "\(query)")
            }
        }
    }

    @Test("A search needs an id, and finds nothing for one that is not there")
    func search() throws {
        try Self.run("") { _, status in
            for query in ["", "%20", "%00", String(repeating: "a", count: 257)] {
                #expect(try Self.ask("/status.json?search=\(query)", at: status).status == 400, "\(query)")
            }
            let none = try Self.ask("/status.json?search=%20nothing", at: status).text
            #expect(none.contains(#""search":"nothing""#) && none.contains(#""tasks":[]"#), "\(none)")
        }
    }
}
