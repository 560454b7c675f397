/// The field `Content-Disposition` (RFC 6266).
enum ContentDisposition {
    /// Has the client store the response under a name.
    ///
    /// - Parameter name: any text. What a client could take for a folder is left out; the plain form, for old
    ///   clients, has `_` where the other one is needed.
    static func attachment(named name: String) -> String {
        // Scalars, not characters: a slash with an accent is one character, and a slash for the client's file system.
        let component =
            name.unicodeScalars.split { $0 == "/" || $0 == "\\" }.last ?? Substring().unicodeScalars
        let visible = String(String.UnicodeScalarView(component.filter { !isControl($0) }))
        guard !visible.isEmpty else { return "attachment" }
        let plain = String(visible.map { isPlain($0) ? $0 : "_" })
        guard plain != visible else { return "attachment; filename=\"\(plain)\"" }
        // attr-char of RFC 5987, without its apostrophe, which ends the language.
        let encoded = PercentEncoding.encode(visible.utf8, except: "!#$&+^`|")
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
            // Marks that turn the order of letters around disguise a name's extension.
            || scalar.properties.generalCategory == .format
    }

    /// `%` is among the others, since some clients would decode it.
    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && character != "\"" && character != "%" && character != "\r\n"
    }
}
