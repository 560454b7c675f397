import Foundation
import PostludeSpawning
import Testing

/// The real nginx on a free port of the loopback interface, with the site that the application prints for its
/// manifest.
final class NginxServer {
    let port: UInt16
    let folder: TestFolder
    private let process: ChildProcess

    /// A test's changes to the site.
    struct Changes {
        /// Whether nginx keeps its connections to the application.
        var kept = true
        /// Whether nginx reads a request's whole body before it connects.
        var buffering = true
        /// Replaces the site's largest body.
        var body: String?
        /// `location` blocks that replace the one for `/`; `@pass@` in them stands for `fastcgi_pass`.
        var locations: String?

        /// - Throws: if the site does not have the text to change.
        func apply(to site: String) throws -> String {
            var site = site
            let upstream = try #require(site.firstMatch(of: #/fastcgi_pass [^;]+;/#)).output
            if !kept {
                try Self.replace(#/keepalive [0-9]+;/#, with: "", in: &site)
                try Self.replace(#/fastcgi_keep_conn on;/#, with: "fastcgi_keep_conn off;", in: &site)
            }
            if !buffering {
                let directive = "fastcgi_request_buffering off;"
                try Self.replace(#/fastcgi_request_buffering on;/#, with: directive, in: &site)
            }
            if let body {
                let directive = "client_max_body_size \(body);"
                try Self.replace(#/client_max_body_size [^;]+;/#, with: directive, in: &site)
            }
            if let locations {
                let blocks = locations.replacing("@pass@", with: upstream)
                try Self.replace(#/location / \{[^}]*\}/#, with: blocks, in: &site)
            }
            return site
        }

        private static func replace(
            _ pattern: Regex<Substring>, with text: String, in site: inout String
        ) throws {
            try #require(site.contains(pattern), "the site has to have what is changed:\n\(site)")
            site.replace(pattern, with: text)
        }
    }

    private init(to server: Server, changes: Changes) throws {
        folder = server.folder
        port = try FreePort.take()
        let site = try Self.site(for: server, port: port)
        let configuration = """
            daemon off;
            worker_processes 1;
            worker_rlimit_nofile 8192;
            pid \(folder.file("nginx.pid"));
            error_log \(folder.file("nginx.log")) info;
            events { worker_connections 4096; }
            http {
                access_log off;
                client_body_temp_path \(folder.file("nginx-body"));
                fastcgi_temp_path \(folder.file("nginx-fastcgi"));
                proxy_temp_path \(folder.file("nginx-proxy"));
                uwsgi_temp_path \(folder.file("nginx-uwsgi"));
                scgi_temp_path \(folder.file("nginx-scgi"));
            \(try changes.apply(to: site))
            }
            """
        try folder.write("nginx.conf", configuration)
        process = try ChildProcess(
            Self.executable,
            ["-p", folder.path, "-e", folder.file("nginx.log"), "-c", folder.file("nginx.conf")],
            output: folder.file("nginx.out"), errors: folder.file("nginx.out"))
        let listening = Endpoint.tcp("127.0.0.1", port)
        try waitUntil("nginx listens; it says: \(folder.text("nginx.out"))\(folder.text("nginx.log"))") {
            if let exit = process.exitIfEnded() {
                throw TimedOut(description: "nginx ended with \(exit): \(folder.text("nginx.out"))")
            }
            return (try? StreamSocket(to: listening)) != nil
        }
    }

    static func run<R>(
        to server: Server, kept: Bool = true, buffering: Bool = true, body: String? = nil,
        locations: String? = nil, _ test: (NginxServer) throws -> R
    ) throws -> R {
        let changes = Changes(kept: kept, buffering: buffering, body: body, locations: locations)
        let nginx = try NginxServer(to: server, changes: changes)
        defer {
            nginx.process.send(signal: SIGTERM)
            _ = try? nginx.process.waitForExit()
        }
        return try test(nginx)
    }

    /// The output of the application's command `nginx`.
    private static func site(for server: Server, port: UInt16) throws -> String {
        let command = try Command(
            server.executable,
            [
                "nginx", "--manifest", server.folder.file("routes.yaml"), "--socket",
                server.endpoint.description, "--listen", "127.0.0.1:\(port)", "--server-name", "localhost",
            ], in: server.folder, environment: server.environment)
        #expect(command.exit == .status(0), "\(command.errors)")
        return command.output
    }

    func client() throws -> HTTPClient { try HTTPClient(port: port) }

    static let executable =
        ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"]
        .first(where: FileManager.default.isExecutableFile(atPath:)) ?? "nginx"
}
