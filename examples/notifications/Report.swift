import Logging

/// Writes a line to the application's log, at the destination in the manifest.
func report(_ text: String) {
    Logger(label: "notifications").info("\(text)")
}
