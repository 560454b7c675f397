internal import Yams

extension ManifestDecoder {
    func workers(_ node: Node) -> Manifest.Workers {
        var workers = Manifest.Workers()
        guard let keys = reader.mapping(node, keys: WorkersKey.self, name: WorkersKey.mapping) else {
            return workers
        }
        let minimum = keys[.min].map { reader.integer($0, for: "`min`", in: ManifestBounds.workers) }
        let maximum = keys[.max].map { reader.integer($0, for: "`max`", in: ManifestBounds.workers) }
        let reserved = keys[.reservedForRequests].map {
            reader.integer($0, for: "`reserved-for-requests`", in: ManifestBounds.reservedForRequests)
        }
        if let node = keys[.idleTime] {
            let idleTime = reader.duration(node, for: "`idle-time`", atLeast: ManifestBounds.time)
            workers.idleTime = idleTime ?? workers.idleTime
        }
        // A value that was reported is nil inside the optional: nothing is compared with it.
        if case .some(.none) = minimum { return workers }
        if case .some(.none) = maximum { return workers }
        if let maximum = maximum?.flatMap({ $0 }) {
            workers.maximum = maximum
            workers.minimum = min(workers.minimum, maximum)
            workers.reservedForRequests = min(workers.reservedForRequests, maximum - 1)
        }
        let bound =
            maximum == nil ? "`max`, which is \(workers.maximum) by default" : "`max` (\(workers.maximum))"
        if let node = keys[.min], let minimum = minimum?.flatMap({ $0 }) {
            workers.minimum = minimum
            if minimum > workers.maximum {
                reader.reportMismatch(node, for: "`min`", expected: "at most \(bound)")
            }
        }
        if let node = keys[.reservedForRequests], let reserved = reserved?.flatMap({ $0 }) {
            workers.reservedForRequests = reserved
            if reserved >= workers.maximum {
                reader.reportMismatch(
                    node, for: "`reserved-for-requests`", expected: "less than \(bound)")
            }
        }
        return workers
    }
}
