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
        let expected = "a URL such as \(example)"
        guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
        guard !text.isEmpty else {
            reader.report("found an empty text for \(name), expected \(expected)", at: node)
            return nil
        }
        return Manifest.Address(text, location: location(reader.position(of: node)))
    }

    private func location(_ position: SourcePosition?) -> SourceLocation {
        SourceLocation(file: reader.diagnostics.file, position: position)
    }
}
