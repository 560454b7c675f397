internal import CPostludeYAML

/// A manifest's text as a tree of nodes.
struct YAMLDocument {
    /// The root of the tree; `nil` for a text without content.
    let root: Node?

    /// Returns `nil`, and reports the mistakes, if the text is not one YAML document, or has anchors or aliases.
    init?(_ source: SourceText, reportingTo diagnostics: DiagnosticCollector) {
        do throws(YAMLMistake) {
            root = try source.bytes.withUnsafeBufferPointer { bytes throws(YAMLMistake) in
                // Without bytes, there may be no address.
                guard let start = bytes.baseAddress else { return nil }
                return try YAMLComposer(source, at: start, reportingTo: diagnostics).root()
            }
        } catch {
            diagnostics.add(error.message, at: error.position)
            return nil
        }
        guard diagnostics.isEmpty else { return nil }
    }
}

/// A mistake that ends the reading of a text.
private struct YAMLMistake: Error {
    let message: String
    let position: SourcePosition?
}

/// Makes a tree of the events of libyaml's parser.
///
/// With aliases, a small file could expand to a huge tree. So they are reported, and not resolved.
private final class YAMLComposer {
    private let source: SourceText
    private let diagnostics: DiagnosticCollector
    // libyaml keeps this address.
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// - Parameter start: the address of the source's bytes, which must outlive the composer.
    init(
        _ source: SourceText, at start: UnsafePointer<UInt8>, reportingTo diagnostics: DiagnosticCollector
    ) throws(YAMLMistake) {
        self.source = source
        self.diagnostics = diagnostics
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else { throw mistake() }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, start, source.bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Returns the root of the only document; `nil` if there is none.
    func root() throws(YAMLMistake) -> Node? {
        _ = try boundary()
        guard try boundary().type == YAML_DOCUMENT_START_EVENT else { return nil }
        let root = try node(depth: 0)
        _ = try boundary()
        let next = try boundary()
        guard next.type != YAML_DOCUMENT_START_EVENT else {
            throw YAMLMistake(
                message: "found a second YAML document, expected one", position: next.position)
        }
        return root
    }

    /// Reads the beginning or the end of the text or of a document.
    private func boundary() throws(YAMLMistake) -> (type: yaml_event_type_t, position: SourcePosition) {
        var event = try nextEvent()
        defer { yaml_event_delete(&event) }
        return (event.type, SourcePosition(event.start_mark))
    }

    /// Returns the next node; `nil` at the end of the list or mapping that contains it.
    ///
    /// - Parameter depth: the number of lists and mappings around the node. Its bound protects the stack of this function, and
    ///   of all others that walk through the tree.
    private func node(depth: Int) throws(YAMLMistake) -> Node? {
        var event = try nextEvent()
        defer { yaml_event_delete(&event) }
        let position = SourcePosition(event.start_mark)
        switch event.type {
        case YAML_ALIAS_EVENT:
            refuse(event.data.alias.anchor, as: "the alias *", at: position)
            // Only a place in the tree, which is not used after the report.
            return Node(position: position, tag: nil, content: .sequence([]))
        case YAML_SCALAR_EVENT:
            let data = event.data.scalar
            refuse(data.anchor, as: "the anchor &", at: position)
            // The text may contain NUL, from an escape.
            let bytes = UnsafeBufferPointer(start: data.value, count: data.length)
            let scalar = Node.Scalar(
                string: String(decoding: bytes, as: UTF8.self), style: Node.Style(data.style))
            return Node(position: position, tag: text(data.tag), content: .scalar(scalar))
        case YAML_SEQUENCE_START_EVENT:
            let data = event.data.sequence_start
            refuse(data.anchor, as: "the anchor &", at: position)
            try check(depth, at: position)
            var items: [Node] = []
            while let item = try node(depth: depth + 1) { items.append(item) }
            return Node(position: position, tag: text(data.tag), content: .sequence(items))
        case YAML_MAPPING_START_EVENT:
            let data = event.data.mapping_start
            refuse(data.anchor, as: "the anchor &", at: position)
            try check(depth, at: position)
            var pairs: Node.Mapping = []
            while let key = try node(depth: depth + 1), let value = try node(depth: depth + 1) {
                pairs.append((key, value))
            }
            return Node(position: position, tag: text(data.tag), content: .mapping(pairs))
        default:
            return nil
        }
    }

    /// The caller deletes the event.
    private func nextEvent() throws(YAMLMistake) -> yaml_event_t {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw mistake() }
        return event
    }

    private func text(_ characters: UnsafePointer<yaml_char_t>?) -> String? {
        characters.map { String(cString: $0) }
    }

    private func refuse(
        _ anchor: UnsafePointer<yaml_char_t>?, as found: String, at position: SourcePosition
    ) {
        guard let anchor = text(anchor) else { return }
        diagnostics.add(
            """
            found \(found)\(anchor), expected plain values: anchors, aliases and merge keys are not supported
            """, at: position)
    }

    private func check(_ depth: Int, at position: SourcePosition) throws(YAMLMistake) {
        guard depth < ManifestBounds.depth else {
            throw YAMLMistake(
                message: "found more than \(ManifestBounds.depth) nested lists and mappings, expected fewer",
                position: position)
        }
    }

    /// Returns the mistake at which libyaml has stopped.
    private func mistake() -> YAMLMistake {
        let error = parser.pointee
        let problem = error.problem.map { String(cString: $0) } ?? ""
        switch error.error {
        case YAML_SCANNER_ERROR, YAML_PARSER_ERROR:
            let position = SourcePosition(error.problem_mark)
            let beginning = SourcePosition(error.context_mark)
            let context = error.context.map {
                " (\(String(cString: $0)) that begins at \(beginning.line):\(beginning.column))"
            }
            return YAMLMistake(
                message: "not YAML: \(problem)\(context ?? "")\(advice(at: position))", position: position)
        case YAML_READER_ERROR:
            let code = String(UInt32(exactly: error.problem_value) ?? 0, radix: 16, uppercase: true)
            let name = "U+" + String(repeating: "0", count: max(0, 4 - code.count)) + code
            return YAMLMistake(
                message: "not YAML: found \(name): \(problem)",
                position: source.position(ofByteAt: error.problem_offset))
        default:
            return YAMLMistake(message: "not readable as YAML: out of memory", position: nil)
        }
    }

    /// Returns advice if a mistake is at the brace of `${NAME}`: inside `{ }` and `[ ]`, a plain value ends at the brace.
    private func advice(at position: SourcePosition) -> String {
        guard let offset = source.offset(of: position), source.bytes.indices.contains(offset),
            offset > 0, source.bytes[offset - 1...offset].elementsEqual("${".utf8)
        else { return "" }
        return
            "; inside { } and [ ], ${NAME} needs quotes, which make it text; a number or a boolean needs a line "
            + "of its own instead"
    }
}

extension SourcePosition {
    /// libyaml counts from 0, and columns in Unicode scalars.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}

extension Node.Style {
    fileprivate init(_ style: yaml_scalar_style_t) {
        switch style {
        case YAML_PLAIN_SCALAR_STYLE: self = .plain
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: self = .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: self = .doubleQuoted
        default: self = .block
        }
    }
}
