internal import HTTPTypes

/// An HTML page that loads no other files: its style sheet and its script are in it.
///
/// Its parts are the files of `Resources`, which are embedded in the program.
struct HTMLPage: Sendable {
    /// The page's text, split at `${title}` and `${nonce}`, which are replaced in each response.
    private let pieces: [Piece]
    private let title: String

    private enum Piece: Sendable {
        case text(String)
        case title, nonce
    }

    /// - Parameters:
    ///   - title: the title as plain text.
    ///   - style: the bytes of a style sheet.
    ///   - script: the bytes of a script.
    ///   - body: what `<body>` holds before the script, as HTML.
    init(title: String, style: [UInt8], script: [UInt8], body: String) {
        self.title = title.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(
            ">", with: "&gt;")
        let parts = [
            "style": Self.text(style), "script": Self.text(script), "body": Self.trimmed(body),
        ]
        // One pass over the template: placeholders in the parts are not replaced.
        pieces = Self.text(PackageResources.page_html).split(
            separator: "${", omittingEmptySubsequences: false
        )
        .enumerated().flatMap { index, piece -> [Piece] in
            guard index > 0, let end = piece.firstIndex(of: "}") else { return [.text(String(piece))] }
            let name = String(piece[..<end])
            let rest = Piece.text(String(piece[piece.index(after: end)...]))
            switch name {
            case "title": return [.title, rest]
            case "nonce": return [.nonce, rest]
            default: return [.text(parts[name] ?? ""), rest]
            }
        }
    }

    func response() -> Response {
        // Different in each response, so that a script that was injected into the page does not run.
        let nonce = RequestID.random()
        // Allows only what is in this page, and requests to its own server.
        let policy = [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'nonce-\(nonce)'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'",
        ].joined(separator: "; ")
        var headers: HTTPFields = [
            .contentSecurityPolicy: policy, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        let html = pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .title: title
            case .nonce: nonce
            }
        }
        return .html(html.joined(), headers: headers)
    }

    /// Returns a resource as text, without the line break at its end.
    static func text(_ bytes: [UInt8]) -> String { trimmed(String(decoding: bytes, as: UTF8.self)) }

    private static func trimmed(_ text: String) -> String {
        String(text.last == "\n" ? text.dropLast() : text[...])
    }
}
