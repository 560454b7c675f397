internal import CPostludeLinux

/// What a process prints to standard error if a trap ends it, for a command that calls the application's code many times. One
/// thread uses it.
package enum CrashNote {
    /// Makes traps print the note that was set last. Called once.
    package static func enable() { clinux_print_crash_note() }

    /// Sets the note; at most 254 bytes of it are printed.
    package static func set(_ note: String) { clinux_set_crash_note(note) }
}
