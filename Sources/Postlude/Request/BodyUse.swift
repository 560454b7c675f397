/// What an input does with the request's body, which decides when its handler is called.
public enum BodyUse: Int, Sendable, Comparable {
    /// Nothing.
    case none
    /// The whole body, within the route's `limits.body`: the handler is called when all of it has arrived.
    case whole
    /// Its pieces, as they arrive: the handler is called when the request's head is complete.
    case stream

    public static func < (one: BodyUse, other: BodyUse) -> Bool { one.rawValue < other.rawValue }
}
