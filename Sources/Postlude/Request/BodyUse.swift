/// How an input uses the request's body, which determines when its handler is called.
public enum BodyUse: Int, Sendable, Comparable {
    /// The input does not use the body.
    case none
    /// The input needs the whole body, within the route's `limits.body`: the handler is called when all of it has
    /// arrived.
    case whole
    /// The input reads pieces of the body as they arrive: the handler is called when the request's head is complete.
    case stream

    public static func < (one: BodyUse, other: BodyUse) -> Bool { one.rawValue < other.rawValue }
}
