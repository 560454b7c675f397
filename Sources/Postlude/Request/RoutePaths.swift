internal import FoundationEssentials
internal import PostludeDates
internal import PostludeManifest
internal import PostludeRouting

/// The patterns of the manifest's routes by handler name, for links to these routes.
struct RoutePaths: Sendable {
    private let patterns: [String: [RoutePattern]]

    init(_ routes: [Manifest.Route] = []) {
        patterns = Dictionary(grouping: routes, by: \.handler).mapValues { $0.map(\.pattern) }
    }

    func path(of handler: String, _ values: [String: String]) throws -> String {
        let patterns = patterns[handler] ?? []
        guard let pattern = patterns.first(where: { Set($0.parameterNames) == Set(values.keys) }) else {
            throw RoutePathError.noRoute(
                handler: handler, parameters: values.keys.sorted(), routes: patterns.map { "\($0)" })
        }
        let path: String?
        do throws(RoutePattern.UnfitValue) {
            path = try pattern.path(with: values)
        } catch {
            throw RoutePathError.unfitValue(name: error.name, value: error.value, pattern: "\(pattern)")
        }
        guard let path else { throw RoutePathError.expression(handler: handler, pattern: "\(pattern)") }
        return path
    }
}

/// The reason why there is no path to a route: an error of the program, which is answered with 500 and logged.
enum RoutePathError: Error, CustomStringConvertible {
    case noRoute(handler: String, parameters: [String], routes: [String])
    case expression(handler: String, pattern: String)
    case unfitValue(name: String, value: String, pattern: String)

    var description: String {
        switch self {
        case .noRoute(let handler, _, let routes) where routes.isEmpty:
            "there is no path to \"\(handler)\": the manifest has no route with this handler"
        case .noRoute(let handler, let parameters, let routes):
            """
            there is no path to "\(handler)" with \
            \(parameters.isEmpty ? "no parameters" : "the parameters " + parameters.joined(separator: ", ")); its routes are \
            \(routes.joined(separator: ", "))
            """
        case .expression(let handler, let pattern):
            "there is no path to \"\(handler)\": its route is the expression \(pattern), from which no path can be made"
        case .unfitValue(let name, let value, let pattern):
            "\"\(value)\" cannot be the parameter \(name) of \(pattern)"
        }
    }
}

extension Request {
    /// Returns the path of a route of the application by its handler's name, with the manifest's `prefix`.
    ///
    /// ```swift
    /// func moved(id: Path<Int>, request: Request) throws -> Response {
    ///     .redirect(to: try request.path(of: "show-room", ["id": id.value]))  // /api/rooms/7
    /// }
    /// ```
    ///
    /// If several routes have this handler, uses the first whose parameters are the given ones. Writes a `UUID` in lower
    /// case, a `Date` in RFC 3339, and other values as their descriptions, all percent-encoded.
    ///
    /// - Parameters:
    ///   - handler: the handler's name.
    ///   - parameters: the values of the path's parameters.
    ///   - query: names and values that are appended as a query, in this order.
    /// - Throws: an error that describes the problem if no route has this handler and these parameters, or if the route
    ///   would not match a value.
    public func path(
        of handler: String, _ parameters: KeyValuePairs<String, any CustomStringConvertible> = [:],
        query: KeyValuePairs<String, any CustomStringConvertible> = [:]
    ) throws -> String {
        var values: [String: String] = [:]
        for (name, value) in parameters { values[name] = Self.text(value) }
        let path = try storage.routes.path(of: handler, values)
        guard !query.isEmpty else { return path }
        let items = query.map { name, value in
            "\(PercentEncoding.encode(name.utf8))=\(PercentEncoding.encode(Self.text(value).utf8))"
        }
        return path + "?" + items.joined(separator: "&")
    }

    private static func text(_ value: any CustomStringConvertible) -> String {
        switch value {
        case let id as UUID: id.uuidString.lowercased()
        case let date as Date: DateText.text(date) ?? "\(date)"
        default: "\(value)"
        }
    }
}
