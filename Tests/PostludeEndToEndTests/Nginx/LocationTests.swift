import Testing

@Suite("nginx's location and Postlude's route")
struct LocationTests {
    static let areas = ["admin", "files", "public"]

    static let manifest = TestManifest(
        routes: areas.map {
            """
              - { path: /\($0), method: GET, handler: \($0) }
              - { path: "/\($0)/{rest:path}", method: GET, handler: \($0) }
            """
        }.joined(separator: "\n") + """

              - { path: /hello, method: GET, handler: hello }
              - { path: "/{rest:path}", method: GET, handler: elsewhere }
            """)

    static let locations =
        areas.map {
            """
            location = /\($0) { add_header X-Location \($0) always; @pass@ }
            location /\($0)/ { add_header X-Location \($0) always; @pass@ }
            """
        }.joined(separator: "\n") + "\nlocation / { add_header X-Location elsewhere always; @pass@ }"

    static let writtenByHand = [
        "//admin", "///admin///x", "/./admin/x", "/x/../admin/x", "/x/..//admin/x", "/admin/../files/x",
        "/admin/./x", "/admin//x", "/admin/x/..", "/admin/..", "/admin/.", "/admin/x/../..", "/.", "/..",
        "/../admin/x", "/x/../../admin/x", "/%61dmin", "/%61%64%6d%69%6e/x", "/%2561dmin/x", "/%41dmin/x",
        "/ADMIN/x", "/Admin", "/admin%2fx", "/admin%2Fx", "/%2fadmin", "/%2Fadmin/x", "/x/%2e%2e/admin/x",
        "/x/%2E%2e/admin/x", "/x/.%2e/admin/x", "/x/%2e./admin", "/%2e/admin", "/%2e%2e/admin",
        "/admin/%2e%2e/x",
        "/admin/%2e", "/x%2f..%2fadmin/y", "/x/..%2fadmin/y", "/x%2f../admin/y", "/files/..%2fadmin/x",
        "/public/..%2f..%2fadmin", "/public%2f..%2fadmin/x", "/public/%2e%2e%2fadmin", "/admin;x",
        "/admin;/x",
        "/;x/../admin", "/admin/;/x", "/admin?x", "/?/admin", "/x?/../admin", "/admin%3fx", "/admin%3Fx/y",
        "/admin#x", "/x#/../admin", "/admin/%23x", "/admin%23/x", "/admin\\x", "/\\admin", "/x\\..\\admin",
        "/admin%5cx", "/%5cadmin", "/admin%00", "/admin/%00x", "/%00/admin", "/admin%0a", "/admin%0d%0a/x",
        "/admin%20", "/admin%20/x", "/admin+", "/admin%09/x", "/admin%", "/admin%2", "/admin%zz", "/%zzadmin",
        "/admin/%ff", "/admin/%c0%ae%c0%ae/x", "/%c0%afadmin", "/admin/%e2%80%ae", "/admin/\u{e9}",
        "/%u0061dmin",
        "/admin.", "/admin./x", "/.admin", "/..admin", "/admin..", "/admin.../x", "/.../admin",
        "/x/.../admin",
        "/admin/x%2f..", "/admin/..;/x", "/x/..;/admin", "/files//..//admin/x", "/files/%2f../admin/x",
        "/public/x/%2e%2e/%2e%2e/admin", "/public/.%2fx", "/public/%2e%2f../admin/x", "//..//admin",
        "/admin/%2f",
        "/admin%2f", "/admin%2f%2fx", "/admin%2f..", "/admin%2f..%2fpublic", "/a%2f..%2f..%2fadmin",
        "http://localhost/admin/x", "http://localhost//admin", "http://localhost/x/../admin/x",
        "http://localhost",
        "http://localhost?/admin", "//localhost/admin/x", "/http://localhost/admin", "/admin/x%252e%252e/y",
        "/x/%252e%252e/admin", "/", "//", "/admin", "/admin/", "/files/a%2fb", "/public/a%20b", "/publicity",
    ]

    /// Each area in disguises that combine two parts.
    static let composed: [String] = areas.flatMap { area in
        let first = area.prefix(1)
        let code = String(first.utf8.first ?? 0, radix: 16)
        let names = [area, "%\(code)\(area.dropFirst())", "%\(code.uppercased())\(area.dropFirst())"]
        let before = [
            "/", "//", "/./", "/%2e/", "/x/../", "/x/%2e%2e/", "/public/../", "/x//../", "/%2f/",
            "/public%2f../",
        ]
        let after = [
            "", "/", "//x", "/./x", "/x/../y", "/%2e%2e/x", "/../x", "%2fx", "/x%2f..%2f..", "/..%2fx",
        ]
        return before.flatMap { start in names.flatMap { name in after.map { start + name + $0 } } }
    }

    @Test("However a path is disguised, the area that answers is the one that nginx chose")
    func sameChoice() throws {
        try Server.run(Self.manifest) { server in
            try NginxServer.run(to: server, locations: Self.locations) { nginx in
                var client = try nginx.client()
                var served = 0
                for path in Self.writtenByHand + Self.composed {
                    guard let reply = try? client.ask("GET", path) else {
                        client = try nginx.client()
                        continue
                    }
                    if reply.field("Connection") == "close" { client = try nginx.client() }
                    // 4xx is a refusal, by nginx or by Postlude: the request has not passed.
                    guard reply.status == 200 else {
                        #expect(reply.status < 500, "\(path)")
                        continue
                    }
                    served += 1
                    let ours = reply.text == "hello" ? "elsewhere" : String(reply.text.prefix { $0 != " " })
                    let theirs = reply.field("X-Location")
                    // An encoded slash separates segments for nginx's location, and is part of its segment
                    // for Postlude. Such a path may be the guarded one for nginx, but it must never be so for
                    // Postlude alone.
                    if path.lowercased().contains("%2f") {
                        #expect(
                            ours == theirs || ours == "elsewhere",
                            "\(path): nginx \(theirs ?? "-"), we \(ours)")
                    } else {
                        #expect(ours == theirs, "\(path): nginx \(theirs ?? "-"), we \(ours)")
                    }
                }
                #expect(served > 300, "too few paths came through for the comparison to mean anything")
            }
        }
    }

    @Test(
        "A null byte, broken escapes, invalid UTF-8 and encoded dot segments are refused on the socket itself",
        arguments: [
            "/admin%00", "/admin%", "/admin%2", "/admin%zz", "/%ff", "/%c0%ae", "/a%2f..%2fadmin",
            "/a/..%2fadmin",
            "admin", "", "*", "/../admin/x%2f..",
        ])
    func refused(uri: String) throws {
        try Server.run(Self.manifest) { server in
            #expect([400, 404].contains(try server.ask(RawRequest("GET", uri)).status))
            try server.expectAnswers()
        }
    }
}
