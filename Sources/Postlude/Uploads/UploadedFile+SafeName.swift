extension UploadedFile {
    /// A name under which a file can be stored or offered, made of what the client calls it: one path component without
    /// control characters or marks that turn the writing direction, at most 255 bytes of UTF-8, never empty, `.` or
    /// `..`. Several files may have the same one.
    public var safeName: String { Self.safeName(for: filename ?? "") }

    static func safeName(for filename: String) -> String {
        // Scalars, not characters: a slash with an accent is one character, and a slash for the file system.
        let component =
            filename.unicodeScalars.split { $0 == "/" || $0 == "\\" }.last ?? Substring().unicodeScalars
        var name = String(String.UnicodeScalarView(component.filter(isHarmless)))
        while name.first?.isWhitespace == true { name.removeFirst() }
        while name.last?.isWhitespace == true { name.removeLast() }
        name = shortened(name)
        return ["", ".", ".."].contains(name) ? "upload" : name
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: !scalar.properties.isBidiControl
        }
    }

    /// What file systems take (NAME_MAX), with the extension.
    private static func shortened(_ name: String) -> String {
        let limit = 255
        guard name.utf8.count > limit else { return name }
        var stem = name[...]
        var suffix: Substring = ""
        if let dot = name.lastIndex(of: "."), name[dot...].utf8.count <= 16 {
            (stem, suffix) = (name[..<dot], name[dot...])
        }
        while stem.utf8.count + suffix.utf8.count > limit, !stem.isEmpty { stem.removeLast() }
        return String(stem + suffix)
    }
}
