/// The handlers of an application, in the order in which they were written.
public struct Handlers: Sendable {
    let all: [Handler]

    /// - Parameter handlers: handlers with different names; the command line reports a name that is used twice.
    public init(_ handlers: [Handler]) { all = handlers }

    /// Names that more than one handler claims.
    var repeatedNames: [String] {
        var seen: Set<String> = []
        return all.map(\.name).filter { !seen.insert($0).inserted }
    }

    var byName: [String: Handler] {
        Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }
}

/// Builds `Handlers` from a list of expressions.
@resultBuilder
public enum HandlersBuilder {
    public static func buildExpression(_ handler: Handler) -> [Handler] { [handler] }
    /// Takes a group of handlers that was built elsewhere.
    public static func buildExpression(_ handlers: Handlers) -> [Handler] { handlers.all }
    public static func buildBlock(_ parts: [Handler]...) -> [Handler] { parts.flatMap(\.self) }
    public static func buildOptional(_ part: [Handler]?) -> [Handler] { part ?? [] }
    public static func buildEither(first part: [Handler]) -> [Handler] { part }
    public static func buildEither(second part: [Handler]) -> [Handler] { part }
    public static func buildArray(_ parts: [[Handler]]) -> [Handler] { parts.flatMap(\.self) }
    public static func buildFinalResult(_ handlers: [Handler]) -> Handlers { Handlers(handlers) }
}
