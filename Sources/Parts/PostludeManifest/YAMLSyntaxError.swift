internal import Yams

/// What Yams says about a text that is not YAML, in a diagnostic's words.
enum YAMLSyntaxError {
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
        return "; inside { } and [ ], ${NAME} needs quotes; as quotes make text of it, a number or a truth "
            + "value needs a line of its own instead"
    }

    private static func suffix(_ context: YamlError.Context?) -> String {
        guard let context else { return "" }
        return " (\(context.text) that begins at \(context.mark.line):\(context.mark.column))"
    }
}
