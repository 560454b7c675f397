internal import Yams

/// A manifest's text as a tree of YAML nodes with marks.
///
/// Two things stand between Yams and what a manifest needs. Yams stops at the first duplicate key: here the
/// first of two equal keys is renamed and the text read again, so that the decoder sees, and reports, all.
/// And aliases let a small file stand for an endless one: here anchors are found, and refused, in a text
/// whose aliases have been made ordinary text, before Yams can follow any.
struct YAMLDocument {
    /// `nil` for a text without content.
    let root: Node?
    /// What the keys that were renamed are called in the file, by their position.
    let renamedKeys: [SourcePosition: String]

    /// What takes the place of a renamed key's first character; each duplicate costs one more reading.
    private static let replacements = Array("0123456789ABCDEF".utf8)

    /// Reports what keeps the text from being one tree, and returns `nil` then.
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

    /// - Parameter inspect: called while Yams still knows the anchors.
    private static func read(
        _ bytes: [UInt8], of source: SourceText, reportingTo diagnostics: DiagnosticCollector,
        inspect: (Node) -> Void = { _ in }
    ) -> (root: Node?, renamedKeys: [SourcePosition: String])? {
        var bytes = bytes
        var renamed: [SourcePosition: String] = [:]
        while true {
            do {
                // Without rules every scalar is text; the manifest's own decoder knows better what it wants.
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

    /// Which of the names stands at a position, and where its first character is; `nil` when that is not one
    /// byte that can be replaced.
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

    /// Says only where the first ones are: where the second ones are is unknown without the tree.
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

/// What Yams says about a text that is not YAML, in a diagnostic's words.
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

    /// Inside of braces and brackets a plain `${NAME}` ends after the dollar.
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
