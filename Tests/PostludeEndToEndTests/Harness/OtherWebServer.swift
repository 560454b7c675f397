import Foundation
import PostludeSpawning
import Testing

/// lighttpd or Apache on a free port of the loopback interface, with the site in the folder nginx/.
final class OtherWebServer {
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case lighttpd
        case apache

        var testDescription: String { rawValue }
    }

    let port: UInt16
    private let process: ChildProcess

    private init(_ kind: Kind, to server: Server, guarding path: String?) throws {
        let folder = server.folder
        port = try FreePort.take()
        let log = folder.file("web.log")
        let site = try String(
            contentsOfFile: "\(BuildProducts.repository)/nginx/\(kind.rawValue).conf", encoding: .utf8)
        let socket = "/run/postlude/notifications.sock"
        try #require(site.contains(socket))
        let ours = site.replacing(socket, with: server.endpoint.description)
            .replacing("*:80", with: "127.0.0.1:\(port)")
        let configuration: String
        let arguments: [String]
        switch kind {
        case .lighttpd:
            configuration = Self.lighttpd(ours, port: port, in: folder, log: log, guarding: path)
            arguments = ["-D", "-f", folder.file("web.conf")]
        case .apache:
            configuration = Self.apache(ours, port: port, in: folder, log: log, guarding: path)
            arguments = ["-DFOREGROUND", "-f", folder.file("web.conf")]
        }
        try folder.write("web.conf", configuration)
        let name = kind == .lighttpd ? "lighttpd" : "apache2"
        let executable = "/usr/sbin/\(name)"
        process = try ChildProcess(
            executable, arguments, output: folder.file("web.out"), errors: folder.file("web.out"))
        let listening = Endpoint.tcp("127.0.0.1", port)
        try waitUntil("\(name) listens; it says: \(folder.text("web.out"))\(folder.text("web.log"))") {
            if let exit = process.exitIfEnded() {
                throw TimedOut(description: "\(name) ended with \(exit): \(folder.text("web.out"))")
            }
            return (try? StreamSocket(to: listening)) != nil
        }
    }

    /// - Parameter path: the start of the paths that the web server itself answers 403.
    static func run<R>(
        _ kind: Kind, to server: Server, guarding path: String? = nil,
        _ body: (OtherWebServer) throws -> R
    ) throws -> R {
        let web = try OtherWebServer(kind, to: server, guarding: path)
        defer {
            web.process.send(signal: SIGTERM)
            _ = try? web.process.waitForExit()
        }
        return try body(web)
    }

    func client() throws -> HTTPClient { try HTTPClient(port: port) }

    private static func lighttpd(
        _ site: String, port: UInt16, in folder: TestFolder, log: String, guarding path: String?
    ) -> String {
        """
        server.modules = ( "mod_access" )
        server.document-root = "\(folder.path)"
        server.bind = "127.0.0.1"
        server.port = \(port)
        server.errorlog = "\(log)"
        server.upload-dirs = ( "\(folder.path)" )
        \(path.map { #"$HTTP["url"] =~ "^\#($0)(/|$)" { url.access-deny = ( "" ) }"# } ?? "")
        \(site)
        """
    }

    private static func apache(
        _ site: String, port: UInt16, in folder: TestFolder, log: String, guarding path: String?
    ) -> String {
        let modules = ["mpm_event", "authz_core", "proxy", "proxy_fcgi"].map {
            "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so"
        }
        // Apache refuses to serve as root. Other users' Apache ignores these directives.
        return """
            ServerRoot \(folder.path)
            DefaultRuntimeDir \(folder.path)
            PidFile \(folder.file("web.pid"))
            ErrorLog \(log)
            ServerName localhost
            Listen 127.0.0.1:\(port)
            User www-data
            Group www-data
            \(modules.joined(separator: "\n"))
            \(site)
            \(path.map { "<Location \"\($0)\">\nRequire all denied\n</Location>" } ?? "")
            """
    }
}
