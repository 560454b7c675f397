/// A peer that speaks HTTP to a FastCGI socket: a browser, curl, or a web server that was told to use a proxy's protocol.
enum HTTPPeer {
    /// Whether a connection's first bytes are those of an HTTP request: a method's name, and a space unless the name is
    /// longer.
    ///
    /// - Parameter bytes: as many as a record's header has, which these are not.
    static func begins(_ bytes: Span<UInt8>) -> Bool {
        var count = 0
        while count < bytes.count, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[count]) {
            count += 1
        }
        return count >= 3 && (count == bytes.count || bytes[count] == UInt8(ascii: " "))
    }

    /// What such a peer is told, in its own protocol. Nothing of what it has sent is in it.
    static let answer: [UInt8] = {
        let program =
            CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "The application"
        let text = """
            This socket speaks FastCGI, and the request is HTTP.
            \(program) is to be asked through a web server. `\(program) nginx` prints a site for nginx: start nginx with
            it, and ask nginx.

            """
        let head = [
            "HTTP/1.1 400 Bad Request", "Content-Type: text/plain; charset=utf-8",
            "Content-Length: \(text.utf8.count)", "Connection: close", "", "",
        ]
        return Array((head.joined(separator: "\r\n") + text).utf8)
    }()
}
