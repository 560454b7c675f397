/// What the supervisor and a process tell each other. Programs of two versions may: a new case changes nothing for the
/// others.
package enum ControlMessage: Codable, Equatable, Sendable {
    // MARK: From the supervisor

    /// Use this manifest, whose sealed text comes as a descriptor. The first one is what the process begins with.
    case manifest(generation: Int)
    case reopenLogs
    /// Finish and end.
    ///
    /// - handingOver: whether others serve on, so that idle connections go to them.
    case drain(handingOver: Bool)
    /// End without what is left.
    case leave

    // MARK: From a process

    /// Its workers wait for requests.
    case ready
    /// It serves with that manifest now.
    case applied(generation: Int)
    /// It wants a successor, and serves until that one is ready.
    case replace(reason: String)
    /// A manifest came without its text, since the process had no descriptor for it.
    case manifestLost

    var isManifest: Bool { if case .manifest = self { true } else { false } }
}
