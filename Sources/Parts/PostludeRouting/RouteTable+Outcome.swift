package import HTTPTypes

extension RouteTable {
    /// What a path's method and bytes lead to.
    package enum Outcome: Sendable, Hashable {
        /// `index` is the route's place in the list that the table was made of.
        case route(index: Int, parameters: RouteParameters)
        case notFound
        /// The path has routes, but none for the method. `allow` is sorted by name and has HEAD where it has
        /// GET.
        case methodNotAllowed(allow: [HTTPRequest.Method])
        /// An expression needed more backtracking than one path may cost.
        case refused
    }
}
