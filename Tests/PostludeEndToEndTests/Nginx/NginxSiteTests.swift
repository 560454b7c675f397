import Foundation
import Testing

@Suite("The nginx site of a manifest", .timeLimit(.minutes(10)))
struct NginxSiteTests {
    private static let settings = """
        listen: /run/app.sock
        status: ./status.sock
        processes: { count: 2 }
        files: { root: "/srv/my files", internal: /protected/ }
        openapi: { document: /openapi.json, page: /docs }
        limits: { request-timeout: 90s }
        """

    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /large, method: POST, handler: echo, limits: { body: 64MiB } }
          - { path: "/area/{name}", method: POST, handler: echo, limits: { body: 32MiB, read-time: 5m } }
          - { path: /echo, method: POST, handler: echo }
        """

    private static func site(
        _ settings: String = settings, routes: String = routes, _ options: String..., in folder: TestFolder
    ) throws -> Command {
        try folder.write("routes.yaml", TestManifest(settings, routes: routes).text)
        return try Command(BuildProducts.testbed, ["nginx"] + options, in: folder)
    }

    /// nginx's messages about the site inside a complete configuration.
    private static func check(_ site: String, in folder: TestFolder) throws -> Command {
        try Command(
            NginxServer.executable,
            [
                "-t", "-p", folder.path, "-e", folder.file("log"), "-c",
                try SnippetSite.write(site, to: folder),
            ], in: folder)
    }

    @Test(
        "nginx accepts it",
        arguments: [
            settings, "listen: 127.0.0.1:9000", "listen: \"[::]:9000\"\nprefix: /api",
            "listen: ./a.sock\nprefix: /a%20b%25\nfiles: { root: /srv, internal: \"/$x'~/\" }",
        ], ["inline", "file"])
    func accepted(settings: String, params: String) throws {
        let folder = try TestFolder()
        let site = try Self.site(
            settings, "--params", params, "--port", "8080", "--server-name", "a.example", "--server-name",
            "*.b.example", in: folder)
        #expect(site.exit == .status(0), "\(site.errors)")
        let check = try Self.check(site.output, in: folder)
        #expect(check.exit == .status(0), "\(check.errors)\(site.output)")
        #expect(!check.errors.contains("[warn]"), "\(check.errors)")
    }

    @Test("It has the manifest's sockets, limits and locations")
    func content() throws {
        let folder = try TestFolder()
        let site = try Self.site(in: folder).output
        for part in [
            "server unix:/run/app.sock;", "keepalive 128;", "listen 80;", "listen [::]:80;", "server_name _;",
            "client_max_body_size 2m;", "fastcgi_read_timeout 105s;", "fastcgi_send_timeout 105s;",
            "fastcgi_next_upstream off;", "alias \"/srv/my files/\";", "deny all;",
            "fastcgi_pass unix:\(folder.path)/status.sock;",
            "location ~ ^/-/(status|status\\.json|metrics|ping)$ {",
            "/openapi.json", "/docs",
        ] {
            #expect(site.contains(part), "\(part) in: \(site)")
        }
        let large = try #require(site.firstMatch(of: #/location = /large \{([^}]*)\}/#)).output.1
        #expect(large.contains("client_max_body_size 65m;") && !large.contains("timeout"))
        let area = try #require(site.firstMatch(of: #/location /area/ \{([^}]*)\}/#)).output.1
        #expect(area.contains("client_max_body_size 33m;") && area.contains("fastcgi_read_timeout 315s;"))
        #expect(area.contains("client_body_timeout 300s;"))
    }

    @Test("The options override the manifest")
    func options() throws {
        let folder = try TestFolder()
        let site = try Self.site(
            Self.settings, "--socket", "[::]:9001", "--listen", "127.0.0.1:81", "--params", "file", in: folder
        ).output
        #expect(site.contains("server [::1]:9001;") && site.contains("listen 127.0.0.1:81;"))
        #expect(site.contains("include postlude_params;") && !site.contains("fastcgi_param "))
    }

    @Test("Without a socket, or with an invalid value, it says what to do")
    func mistakes() throws {
        let folder = try TestFolder()
        let absent = try Self.site("", in: folder)
        #expect(absent.exit != .status(0) && absent.errors.contains("--socket"), "\(absent.errors)")
        for option in [["--listen", "80; x"], ["--socket", "a.sock"], ["--params", "none"]] {
            let wrong = try Command(BuildProducts.testbed, ["nginx"] + option, in: folder)
            #expect(wrong.exit != .status(0) && wrong.errors.contains(option[0]), "\(wrong.errors)")
        }
    }

    @Test("Its parameters are those of nginx/postlude_params")
    func parameters() throws {
        let path = BuildProducts.repository + "/nginx/postlude_params"
        let file = try String(contentsOfFile: path, encoding: .utf8)
        func lines(_ text: String) -> [String] {
            text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter {
                $0.hasPrefix("fastcgi_param ")
            }
            .map(String.init)
        }
        let site = try Self.site(in: TestFolder()).output
        #expect(!lines(file).isEmpty && lines(site) == lines(file))
    }

    @Test("A route's larger body limit applies in its location and nowhere else")
    func bounds() throws {
        try Server.run(TestManifest(routes: Self.routes)) { server in
            try NginxServer.run(to: server) { nginx in
                let body = [UInt8](repeating: 65, count: 16 << 20)
                #expect(try nginx.client().ask("POST", "/large", body: body).status == 200)
                #expect(try nginx.client().ask("POST", "/area/x", body: body).status == 200)
                let fields = ["Connection: close", "Content-Length: \(body.count)"]
                let refused = try nginx.client().ask("POST", "/echo", fields: fields)
                #expect(refused.status == 413 && refused.text.contains("nginx"))
            }
        }
    }
}
