import Logging

/// Writes a line to the application's log, wherever the manifest sends it.
func report(_ text: String) {
    Logger(label: "notifications").info("\(text)")
}
