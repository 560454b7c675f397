internal import Yams

extension ManifestDecoder {
    func celery(_ node: Node) -> Manifest.Celery? {
        guard let keys = reader.mapping(node, keys: CeleryKey.self, name: CeleryKey.mapping) else {
            return nil
        }
        if keys[.broker] == nil {
            reader.diagnostics.add(
                "`celery` has no `broker`, expected the broker's URL such as amqp://localhost or redis://localhost",
                at: keys.position)
        }
        let broker = keys[.broker].flatMap { address($0, for: "`broker`", such: "amqp://localhost") }
        let results = keys[.results].flatMap { address($0, for: "`results`", such: "redis://localhost") }
        guard let broker else { return nil }
        return Manifest.Celery(broker: broker, results: results, location: location(keys.position))
    }

    /// A URL. Only a program that links a broker's library can say whether it is one: here it is neither read nor shown.
    private func address(_ node: Node, for name: String, such example: String) -> Manifest.Address? {
        let place = location(reader.position(of: node))
        guard node.mapping != nil else {
            let expected =
                "a URL such as \(example), or { environment: NAME } with the variable that holds it"
            guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
            guard !text.isEmpty else {
                reader.report("found an empty text for \(name), expected \(expected)", at: node)
                return nil
            }
            return Manifest.Address(.url(text), location: place)
        }
        guard let keys = reader.mapping(node, keys: SecretKey.self, name: name) else { return nil }
        let expected = "the name of a variable such as CELERY_BROKER"
        guard let node = keys[.environment] else {
            reader.diagnostics.add("\(name) has no `environment`, expected \(expected)", at: keys.position)
            return nil
        }
        guard let variable = reader.text(node, for: "`environment`", expected: expected)?.string else {
            return nil
        }
        guard Self.isVariable(variable) else {
            reader.reportMismatch(node, for: "`environment`", expected: expected)
            return nil
        }
        return Manifest.Address(.environment(variable), location: place)
    }

    private func location(_ position: SourcePosition?) -> SourceLocation {
        SourceLocation(file: reader.diagnostics.file, position: position)
    }

    private static func isVariable(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
