internal import HTTPTypes
internal import PostludeManifest
internal import PostludeRouting

/// The application's API as an OpenAPI document (3.1.1), made from the manifest and the descriptions of the handlers.
struct APIDocument {
    static let version = "3.1.1"

    let node: DocumentNode
    /// Notes on the parts that could not be described, with advice.
    let notes: [String]

    /// - Parameters:
    ///   - handlers: the handlers by name. A route whose handler is missing is left out.
    ///   - errors: the format of the answers to errors.
    ///   - guards: what is computed before the handlers.
    init(
        _ manifest: Manifest, handlers: [String: Handler], errors: ErrorFormat = .fastAPI,
        guards: Guards = Guards()
    ) {
        var paths = DocumentPaths()
        for route in manifest.routes {
            guard let handler = handlers[route.handler] else { continue }
            var operation = handler.operation
            for type in guards.dependencies(of: route.middleware) { type.describe(&operation) }
            paths.add(route, operation, prefix: manifest.prefix)
        }
        let operations = paths.items.flatMap { $0.operations }
        let components = SchemaComponents(
            operations.flatMap { $0.description.schemas }, errors: ErrorSchemas(errors))
        let ids = OperationIDs(
            paths.items.flatMap { item in item.operations.map { (item.path, $0) } }
                .sorted { $0.1.number < $1.1.number }
                .map { path, operation in
                    let route = operation.route
                    return .init(
                        name: route.operationID ?? route.handler, method: operation.method, path: path)
                })
        let items = paths.items.map { item in
            let members = item.operations.map { operation in
                DocumentNode.Member(
                    name: operation.method.rawValue.lowercased(),
                    value: operation.node(id: ids.all[operation.number], components))
            }
            return DocumentNode.Member(name: item.path, value: .object(members))
        }
        let schemes = Set(operations.flatMap { $0.description.security }).sorted { $0.name < $1.name }
        let tags = operations.flatMap { $0.route.tags }.reduce(into: [String]()) { tags, tag in
            if !tags.contains(tag) { tags.append(tag) }
        }
        notes = paths.notes + components.notes + Self.notes(on: operations)
        let openAPI = manifest.openAPI
        node = .object([
            "openapi": .string(Self.version),
            "info": .object([
                "title": .string(openAPI.title), "version": .string(openAPI.version),
                "description": openAPI.description.map(DocumentNode.string),
            ]),
            "servers": .array([.object(["url": .string(manifest.prefix.isEmpty ? "/" : manifest.prefix)])]),
            "tags": tags.isEmpty ? nil : .array(tags.map { .object(["name": .string($0)]) }),
            "paths": .object(items),
            "components": .object([
                "schemas": components.node,
                "securitySchemes": schemes.isEmpty
                    ? nil
                    : .object(
                        schemes.map { .init(name: $0.name, value: .value(.object($0.keywords))) }),
            ]),
            "x-omitted-routes": paths.omitted.isEmpty ? nil : .array(paths.omitted),
        ])
    }
}

extension APIDocument {
    /// Returns notes on responses of which the document can describe no more than that they are JSON.
    private static func notes(on operations: [DocumentOperation]) -> [String] {
        let types = operations.flatMap { $0.description.answers.compactMap(\.opaqueType) }
        return Set(types).sorted().map { name in
            "\(name) is not described: conform it to Decodable, too, or to SchemaProviding"
        }
    }
}

/// Operation ids, which are unique in the document.
///
/// The first operation of a route's name, which is its `operation-id` or its handler's name, has the name as its id. The
/// others have ids of their own method and path, so that a route that is added behind changes no other id.
struct OperationIDs {
    struct Operation {
        /// The route's `operation-id`, or its handler's name.
        let name: String
        let method: HTTPRequest.Method
        let path: String
    }

    /// The ids, by the operations' numbers.
    let all: [String]

    /// - Parameter operations: the operations in the order of their numbers.
    init(_ operations: [Operation]) {
        let first = Dictionary(operations.map { ($0.name, $0.path) }, uniquingKeysWith: { path, _ in path })
        var (unused, taken) = (Set(first.keys), Set(first.keys))
        all = operations.map { operation in
            let name = operation.name
            if unused.remove(name) != nil { return name }
            var base = "\(name)-\(operation.method.rawValue.lowercased())"
            if operation.path != first[name] { base += Self.words(of: operation.path) }
            var id = base
            var number = 2
            while !taken.insert(id).inserted {
                id = "\(base)-\(number)"
                number += 1
            }
            return id
        }
    }

    private static func words(of path: String) -> String {
        path.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || "._-".contains($0)) }.map { "-\($0)" }
            .joined()
    }
}

extension OperationDescription {
    var schemas: [Schema] {
        parameters.map(\.schema) + body.map(\.schema) + answers.flatMap { $0.content.map(\.schema) }
    }
}
