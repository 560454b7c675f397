import HTTPTypes
import PostludeRouting

extension RouteTable {
    func match(_ uri: String, _ method: HTTPRequest.Method = .get, using matcher: RouteMatcher? = nil)
        -> Outcome
    {
        guard let matcher = matcher ?? (try? RouteMatcher()), let path = try? RoutePath(requestURI: uri.utf8)
        else {
            return .refused
        }
        return route(method, path, using: matcher)
    }
}

extension RouteTable.Outcome {
    var route: Int? {
        guard case .route(let index, _) = self else { return nil }
        return index
    }

    var parameters: RouteParameters? {
        guard case .route(_, let parameters) = self else { return nil }
        return parameters
    }
}
