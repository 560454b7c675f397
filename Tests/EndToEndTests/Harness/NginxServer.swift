import Foundation
import Testing

/// The real nginx on a free port of the loopback, in front of one upstream.
final class NginxServer {
    let port: UInt16
    let folder: TestFolder
    private let process: ChildProcess

    /// - Parameters:
    ///   - kept: whether nginx keeps its connections to the application.
    ///   - buffering: whether nginx reads a request's whole body before it connects.
    ///   - locations: `location` blocks; `@pass@` in them stands for the FastCGI directives.
    private init(
        to upstream: Endpoint, in folder: TestFolder, kept: Bool, buffering: Bool, locations: String
    ) throws {
        self.folder = folder
        port = try FreePort.take()
        let pass = """
            fastcgi_pass postlude; fastcgi_keep_conn \(kept ? "on" : "off");
            fastcgi_request_buffering \(buffering ? "on" : "off");
            fastcgi_next_upstream off;
            \(Self.parameters)
            """
        let configuration = """
            daemon off;
            worker_processes 1;
            worker_rlimit_nofile 8192;
            pid \(folder.file("nginx.pid"));
            error_log \(folder.file("nginx.log")) info;
            events { worker_connections 4096; }
            http {
                access_log off;
                client_max_body_size 64m;
                client_body_temp_path \(folder.file("nginx-body"));
                fastcgi_temp_path \(folder.file("nginx-fastcgi"));
                proxy_temp_path \(folder.file("nginx-proxy"));
                uwsgi_temp_path \(folder.file("nginx-uwsgi"));
                scgi_temp_path \(folder.file("nginx-scgi"));
                upstream postlude { server \(upstream.upstream); \(kept ? "keepalive 16;" : "") }
                server {
                    listen 127.0.0.1:\(port);
                    \(locations.replacing("@pass@", with: pass))
                }
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
        to server: Server, kept: Bool = true, buffering: Bool = true,
        locations: String = "location / { @pass@ }", _ body: (NginxServer) throws -> R
    ) throws -> R {
        let nginx = try NginxServer(
            to: server.endpoint, in: server.folder, kept: kept, buffering: buffering, locations: locations)
        defer {
            nginx.process.send(signal: SIGTERM)
            _ = try? nginx.process.waitForExit()
        }
        return try body(nginx)
    }

    func client() throws -> HTTPClient { try HTTPClient(port: port) }

    static let executable =
        ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"]
        .first(where: FileManager.default.isExecutableFile(atPath:)) ?? "nginx"

    private static let parameters = [
        ("QUERY_STRING", "$query_string"), ("REQUEST_METHOD", "$request_method"),
        ("CONTENT_TYPE", "$content_type"), ("CONTENT_LENGTH", "$content_length"),
        ("SCRIPT_NAME", "$fastcgi_script_name"), ("REQUEST_URI", "$request_uri"),
        ("DOCUMENT_URI", "$document_uri"), ("SERVER_PROTOCOL", "$server_protocol"),
        ("REQUEST_SCHEME", "$scheme"), ("GATEWAY_INTERFACE", "CGI/1.1"), ("REMOTE_ADDR", "$remote_addr"),
        ("REMOTE_PORT", "$remote_port"), ("REMOTE_USER", "$remote_user"), ("SERVER_ADDR", "$server_addr"),
        ("SERVER_PORT", "$server_port"), ("SERVER_NAME", "$server_name"),
    ].map { "fastcgi_param \($0) \($1);" }.joined(separator: "\n")
}
