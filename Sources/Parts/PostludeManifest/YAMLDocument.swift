internal import Yams

/// A manifest's text as a tree of YAML nodes with marks.
///
/// Yams stops at the first duplicate key. To report all of them, this type renames the first of two equal keys and parses
/// the text again, so that the decoder gets both.
///
/// With aliases, a small file can expand to a huge tree. So anchors are refused before Yams resolves an alias: they are
/// found in a copy of the text in which each `*` is replaced.
struct YAMLDocument {
    /// The root of the tree; `nil` for a text without content.
    let root: Node?
    /// The original names of the renamed keys, by their positions.
    let renamedKeys: [SourcePosition: String]

    /// The characters that replace the first character of a renamed key, one for each duplicate. Their number bounds how often
    /// the text is parsed.
    private static let replacements = Array("0123456789ABCDEF".utf8)

    /// Returns `nil`, and reports the mistakes, if the text is not one YAML document, or has anchors.
    init?(_ source: SourceText, reportingTo diagnostics: DiagnosticCollector) {
        if source.bytes.contains(UInt8(ascii: "&")) {
            let harmless = source.bytes.map { $0 == UInt8(ascii: "*") ? UInt8(ascii: "_") : $0 }
            let tree = Self.read(harmless, of: source, reportingTo: diagnostics) { root in
                Self.reportAnchors(in: root, to: diagnostics)
            }
            guard tree != nil, diagnostics.isEmpty else { return nil }
        }
        guard let tree = Self.read(source.bytes, of: source, reportingTo: diagnostics) else { return nil }
        (root, renamedKeys) = tree
    }

    /// - Parameter inspect: called with the tree while the parser exists, on which the anchors of its nodes depend.
    private static func read(
        _ bytes: [UInt8], of source: SourceText, reportingTo diagnostics: DiagnosticCollector,
        inspect: (Node) -> Void = { _ in }
    ) -> (root: Node?, renamedKeys: [SourcePosition: String])? {
        var bytes = bytes
        var renamed: [SourcePosition: String] = [:]
        while true {
            do {
                // Without rules, every scalar is text: the manifest's decoder determines the types.
                let parser = try Parser(
                    yaml: String(decoding: bytes, as: UTF8.self), resolver: .basic, encoding: .utf8)
                return try withExtendedLifetime(parser) {
                    let root = try parser.singleRoot()
                    root.map(inspect)
                    return (root, renamed)
                }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let position = SourcePosition(context.mark)
                guard let (name, start) = spelling(ofOneOf: names, at: position, in: source),
                    replacements.indices.contains(renamed.count)
                else {
                    reportDuplicates(renamed, andOneOf: names, at: position, to: diagnostics)
                    return nil
                }
                bytes[start] = replacements[renamed.count]
                renamed[position] = name
            } catch {
                let (message, position) = YAMLSyntaxError.describe(error, in: source)
                diagnostics.add(message, at: position)
                return nil
            }
        }
    }

    /// Returns the name that is at a position, and the offset of its first character; `nil` if that character is not a single
    /// byte, which could be replaced.
    private static func spelling(
        ofOneOf names: [String], at position: SourcePosition, in source: SourceText
    ) -> (name: String, start: Int)? {
        for name in names.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            if let start = source.spelling(of: name, at: position), source.bytes[start] < 0x80 {
                return (name, start)
            }
        }
        return nil
    }

    /// Reports duplicate keys at the positions of the first ones: without a tree, those of the second ones are unknown.
    private static func reportDuplicates(
        _ renamed: [SourcePosition: String], andOneOf names: [String], at position: SourcePosition,
        to diagnostics: DiagnosticCollector
    ) {
        for (position, name) in renamed {
            diagnostics.add("the key \(quoted(name)) appears twice in its mapping", at: position)
        }
        let shown = alternatives(names.map { quoted($0) })
        diagnostics.add("the key \(shown) appears twice in its mapping", at: position)
    }

    private static func reportAnchors(in node: Node, to diagnostics: DiagnosticCollector) {
        if let anchor = node.anchor {
            diagnostics.add(
                """
                found the anchor &\(anchor.rawValue), expected plain values: anchors, aliases and merge keys \
                are not supported
                """, at: node.mark.map(SourcePosition.init))
        }
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                reportAnchors(in: key, to: diagnostics)
                reportAnchors(in: value, to: diagnostics)
            }
        case .sequence(let sequence):
            for item in sequence { reportAnchors(in: item, to: diagnostics) }
        case .scalar, .alias:
            break
        }
    }
}

/// Translates the errors of Yams into the messages of diagnostics.
private enum YAMLSyntaxError {
    static func describe(
        _ error: any Error, in source: SourceText
    ) -> (message: String, position: SourcePosition?) {
        guard let error = error as? YamlError else { return ("not readable as YAML: \(error)", nil) }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let position = SourcePosition(mark)
            return ("not YAML: \(problem)\(suffix(context))\(advice(at: position, in: source))", position)
        case .composer(_, "but found another document", let mark, _):
            return ("found a second YAML document, expected one", SourcePosition(mark))
        case .composer(let context, let problem, let mark, _):
            return ("not YAML: \(problem)\(suffix(context))", SourcePosition(mark))
        case .reader(let problem, _, let value, _):
            let character = UInt32(exactly: value) ?? 0
            let code = String(character, radix: 16, uppercase: true)
            let name = "U+" + String(repeating: "0", count: max(0, 4 - code.count)) + code
            return ("not YAML: found \(name): \(problem)", source.position(ofFirst: character))
        default:
            return ("not readable as YAML: \(error)", nil)
        }
    }

    /// Returns advice if the error is at the brace of `${NAME}`: inside `{ }` and `[ ]`, a plain value ends at the brace.
    private static func advice(at position: SourcePosition, in source: SourceText) -> String {
        guard let offset = source.offset(of: position), source.bytes.indices.contains(offset),
            offset > 0, source.bytes[offset - 1...offset].elementsEqual("${".utf8)
        else { return "" }
        return
            "; inside { } and [ ], ${NAME} needs quotes, which make it text; a number or a boolean needs a line "
            + "of its own instead"
    }

    private static func suffix(_ context: YamlError.Context?) -> String {
        guard let context else { return "" }
        return " (\(context.text) that begins at \(context.mark.line):\(context.mark.column))"
    }
}
