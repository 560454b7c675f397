package import PostludeManifest
internal import PostludeRouting

/// The nginx configuration for a manifest: an upstream and a server, for nginx's `http` block.
package struct NginxSite: CustomStringConvertible {
    package enum Parameters: String, CaseIterable {
        /// The parameters are part of the site.
        case inline
        /// The site includes the file nginx/postlude_params, next to nginx.conf.
        case file
    }

    private let manifest: Manifest
    private let source: String
    private let program: String
    private let socket: String
    private let statusSocket: String?
    private let listen: [String]
    private let serverNames: [String]
    private let parameters: Parameters

    /// - Parameters:
    ///   - source: the name of the manifest's file, for a comment in the site.
    ///   - program: the name of the application's program.
    ///   - socket: the application's address, in the notation of ``NginxText/upstream(_:in:)``.
    ///   - statusSocket: the status pages' address, in the same notation; `nil` if the manifest has none.
    ///   - listen: the values of nginx's `listen`.
    package init(
        manifest: Manifest, source: String, program: String, socket: String, statusSocket: String?,
        listen: [String], serverNames: [String], parameters: Parameters
    ) {
        self.manifest = manifest
        self.source = source
        self.program = program
        self.socket = socket
        self.statusSocket = statusSocket
        self.listen = listen
        self.serverNames = serverNames
        self.parameters = parameters
    }

    package var description: String {
        ([
            "# Made by `\(program) nginx` from \(source); print it again when the manifest changes."
        ] + Self.block("upstream \(name)", upstream) + [""] + Self.block("server", server))
        .joined(separator: "\n")
    }

    private var name: String { NginxText.name(program) }

    private var upstream: [String] {
        [
            "server \(socket);",
            "# For each of nginx's processes, as many as there can be workers. An idle connection costs no worker.",
            "keepalive \(Self.idleConnections(manifest));",
        ]
    }

    private var server: [String] {
        let locations = NginxLocations(manifest)
        let parts: [[String]] = [
            listen.map { "listen \($0);" } + [
                "server_name \(serverNames.map(NginxText.word).joined(separator: " "));",
                "server_tokens off;",
            ],
            [
                "# More than the manifest allows, so that the application answers and logs what exceeds its limits."
            ] + locations.common.directives() + ["fastcgi_connect_timeout 5s;"],
            [
                "fastcgi_keep_conn on;",
                "# A request that failed may have run, with its tasks: it is not sent a second time.",
                "fastcgi_next_upstream off;",
                "# A slow client holds no worker. `off` in a location gives its handler bodies as they arrive.",
                "fastcgi_request_buffering on;",
                "# Room for the largest head of a response: 16 KiB, in records.",
                "fastcgi_buffer_size 20k;",
                "fastcgi_buffers 8 16k;",
            ],
            parameters == .inline ? NginxParameters.lines : ["include postlude_params;"],
        ]
        let places = [applicationLocations(locations), fileLocation, statusLocation].flatMap(\.self)
        return Array((parts + places).joined(separator: [""]))
    }

    private func applicationLocations(_ locations: NginxLocations) -> [[String]] {
        let pass = "fastcgi_pass \(name);"
        let path = manifest.prefix.isEmpty ? "/" : NginxText.word(prefix + "/")
        let documents = manifest.openAPI.paths.map { "\($0.path) \($0.name)" }
        let note = documents.isEmpty ? [] : ["# Among them: \(documents.joined(separator: ", "))."]
        let all = note + Self.block("location \(path)", [pass])
        let own = locations.own.map { location in
            let bounds = location.bounds.directives(inside: locations.common)
            return Self.block("location \(location.matcher)", bounds + [pass])
        }
        let rest = manifest.prefix.isEmpty ? [] : [Self.block("location /", ["return 404;"])]
        return [all] + own + rest
    }

    /// The manifest's prefix in decoded form, because nginx compares decoded paths.
    private var prefix: String {
        let segments = (try? RoutePattern(manifest.prefix))?.literalStart.segments ?? []
        return segments.map { "/" + $0 }.joined()
    }

    private var fileLocation: [[String]] {
        guard let files = manifest.files else { return [] }
        return [
            ["# Files that the application names in X-Accel-Redirect."]
                + Self.block(
                    "location \(NginxText.word(files.internal))",
                    [
                        "internal;", "alias \(NginxText.word(files.root + "/"));",
                        "add_header X-Content-Type-Options $upstream_http_x_content_type_options;",
                    ])
        ]
    }

    private var statusLocation: [[String]] {
        guard let statusSocket else { return [] }
        return [
            // The location matches only these pages, because the application may have routes of its own below this path.
            ["# The state of the application's processes: for this machine only."]
                + Self.block(
                    "location ~ ^/-/(status|status\\.json|metrics|ping)$",
                    [
                        "allow 127.0.0.1;", "allow ::1;", "deny all;", "access_log off;",
                        "fastcgi_pass \(statusSocket);",
                    ])
        ]
    }

    /// Returns the largest number of idle connections that each of nginx's processes keeps.
    private static func idleConnections(_ manifest: Manifest) -> Int {
        min(max(manifest.processes.count * manifest.workers.maximum, 16), 512)
    }

    private static func block(_ head: String, _ lines: [String]) -> [String] {
        [head + " {"] + lines.map { $0.isEmpty ? "" : "    " + $0 } + ["}"]
    }
}

/// The FastCGI parameters of a site: those of nginx/postlude_params.
private enum NginxParameters {
    static let lines = [
        ("REQUEST_METHOD", "$request_method"), ("REQUEST_URI", "$request_uri"),
        ("QUERY_STRING", "$query_string"), ("CONTENT_TYPE", "$content_type"),
        ("CONTENT_LENGTH", "$content_length"), ("SCRIPT_NAME", "$fastcgi_script_name"),
        ("DOCUMENT_URI", "$document_uri"), ("SERVER_PROTOCOL", "$server_protocol"),
        ("REQUEST_SCHEME", "$scheme"), ("HTTPS", "$https if_not_empty"), ("REMOTE_ADDR", "$remote_addr"),
        ("REMOTE_PORT", "$remote_port"), ("SERVER_ADDR", "$server_addr"), ("SERVER_PORT", "$server_port"),
        ("SERVER_NAME", "$server_name"),
        // Made by nginx, so that a client cannot choose the id in the log.
        ("REQUEST_ID", "$request_id"),
        // The time at which nginx sends the request: the status page shows how long requests wait for a worker.
        ("REQUEST_START", "$msec"),
        // Libraries would use the header field `Proxy` of a client as the address of a proxy.
        ("HTTP_PROXY", "\"\""),
    ].map { name, value in
        "fastcgi_param " + name + String(repeating: " ", count: 16 - name.count) + value + ";"
    }
}
