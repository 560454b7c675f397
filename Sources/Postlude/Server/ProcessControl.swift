internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem

/// Who tells a process what to do, and what it needs in order to obey.
struct ProcessControl: Sendable {
    /// nil if the process leaves signals to its host.
    var signals: SignalDescriptor?
    /// nil for a process that is alone.
    var supervisor: ControlSocket?
    /// What the processes on one socket give each other their connections through.
    var handover: HandoverQueue?
    /// Where a supervised process shows what it is at.
    var process: ProcessSlot?
    /// The number of the manifest to begin with.
    var generation = 1
    /// Reads the manifest anew and checks it; nil if the process does not reload on its own.
    var load: (@Sendable () throws -> Manifest)?
    /// Checks the text of a manifest that the supervisor sends.
    var parse: (@Sendable (String) throws -> Manifest)?
    /// Called with each new manifest, before requests get it.
    var apply: @Sendable (Manifest) throws -> Void = { _ in }
    var reopenLogs: @Sendable () -> Void = {}
}
