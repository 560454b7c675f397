import Foundation

/// A snippet of nginx's configuration, completed.
enum SnippetSite {
    /// - Parameters:
    ///   - text: directives of `http`, or locations of a server.
    ///   - folder: receives the configuration, and the files that the snippet includes from nginx's own
    ///     folder.
    /// - Returns: the configuration's file.
    static func write(_ text: String, to folder: TestFolder) throws -> String {
        let parameters = BuildProducts.repository + "/nginx/postlude_params"
        for name in ["fastcgi_params", "postlude_params", "postlude_params_without_uri"] {
            try FileManager.default.copyItem(atPath: parameters, toPath: folder.file(name))
        }
        let isServer = !text.contains(#/^location /#.anchorsMatchLineEndings())
        // Only root may bind port 80.
        let content = text.replacing(/listen 80;/) { _ in "listen unix:\(folder.file("socket"));" }
        let paths = ["client_body", "fastcgi", "proxy", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(folder.file($0));"
        }
        try folder.write(
            "nginx.conf",
            """
            pid \(folder.file("nginx.pid"));
            events {}
            http {
                access_log off;
                \(paths.joined(separator: "\n    "))
                \(isServer ? content : "server { listen unix:\(folder.file("socket")); \(content) }")
            }
            """)
        return folder.file("nginx.conf")
    }
}
