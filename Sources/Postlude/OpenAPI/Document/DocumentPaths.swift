internal import HTTPTypes
internal import PostludeManifest
internal import PostludeRouting

/// The routes as OpenAPI's paths: templates with their operations.
struct DocumentPaths {
    struct Item {
        let path: String
        /// The names of the parameters in the path, which other routes of the same shape use as well.
        let names: [String]
        var operations: [DocumentOperation] = []
    }

    private(set) var items: [Item] = []
    /// The number of operations.
    private var count = 0
    /// The routes that the document cannot describe, with the reasons.
    private(set) var omitted: [DocumentNode] = []
    private(set) var notes: [String] = []
    /// The indices of the items by their path without names: for OpenAPI, `/{a}` and `/{b}` are one path.
    private var places: [String: Int] = [:]

    /// The methods that a path can have (OpenAPI 3.1, 4.8.9).
    private static let methods: [HTTPRequest.Method] = [
        .get, .put, .post, .delete, .options, .head, .patch, .trace,
    ]

    mutating func add(_ route: Manifest.Route, _ description: OperationDescription, prefix: String) {
        guard let template = route.pattern.template else {
            omit(route, route.methods, "an expression is not a path template")
            return
        }
        // The prefix is part of the server's URL.
        let path = String(
            template.path.dropFirst(prefix.isEmpty ? 0 : Self.encodedPrefix(prefix, in: template.path)))
        let names = template.parameters.map(\.name)
        let shape = names.reduce(path) { $0.replacing("{\($1)}", with: "{}") }
        let place = places[shape] ?? items.count
        if place == items.count {
            places[shape] = place
            items.append(Item(path: path, names: names))
        }
        var shadowed: [HTTPRequest.Method] = []
        var unknown: [HTTPRequest.Method] = []
        for method in route.methods where !(method == .head && route.methods.contains(.get)) {
            if !Self.methods.contains(method) {
                unknown.append(method)
            } else if items[place].operations.contains(where: { $0.method == method }) {
                shadowed.append(method)
            } else {
                items[place].operations.append(
                    DocumentOperation(
                        route: route, number: count, method: method, parameters: template.parameters,
                        names: items[place].names, description: description))
                count += 1
            }
        }
        if !shadowed.isEmpty {
            omit(route, shadowed, "the path and method of another route differ in types alone")
        }
        if !unknown.isEmpty { omit(route, unknown, "OpenAPI has no such method") }
        if items[place].operations.isEmpty, place == items.count - 1 {
            items.removeLast()
            places[shape] = nil
        }
    }

    private mutating func omit(_ route: Manifest.Route, _ methods: [HTTPRequest.Method], _ reason: String) {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        notes.append("\(names) \(route.pattern) is omitted: \(reason)")
        omitted.append(
            .object([
                "pattern": .string("\(route.pattern)"),
                "methods": .array(methods.map { .string($0.rawValue) }), "reason": .string(reason),
            ]))
    }

    /// Returns the length of the prefix in the path, which has as many segments as the prefix.
    private static func encodedPrefix(_ prefix: String, in path: String) -> Int {
        let segments = prefix.split(separator: "/").count
        let slashes = path.indices.filter { path[$0] == "/" }
        guard slashes.count > segments else { return 0 }
        return path.distance(from: path.startIndex, to: slashes[segments])
    }
}
