internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem

/// The sources of a process's commands, and the functions that carry them out.
struct ProcessControl: Sendable {
    /// The signals to handle; nil if the host program handles signals.
    var signals: SignalDescriptor?
    /// The socket to the supervisor; nil for a process without one.
    var supervisor: ControlSocket?
    /// The queue through which processes hand connections over to each other.
    var handover: HandoverQueue?
    /// The slot of the scoreboard in which a supervised process shows its state.
    var process: ProcessSlot?
    /// The generation of the first manifest.
    var generation = 1
    /// Reads the manifest again and checks it; nil if the process does not reload by itself.
    var load: (@Sendable () throws -> Manifest)?
    /// Checks the text of a manifest that the supervisor sends.
    var parse: (@Sendable (String) throws -> Manifest)?
    /// Called with each new manifest, before it is used for requests.
    var apply: @Sendable (Manifest) throws -> Void = { _ in }
    var reopenLogs: @Sendable () -> Void = {}
}
