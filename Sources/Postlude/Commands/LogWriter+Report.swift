internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest

extension LogWriter {
    /// Reports the error that ends the program on standard error, and in the log if that is elsewhere.
    func report(_ error: any Error, endOf program: String) {
        // Mistakes of the manifest include the file's name.
        let isNamed = error is ManifestError || error is HandlersError
        printError(isNamed ? "\(error)" : "\(program): \(error)")
        guard !logsToStandardError else { return }
        Logger(label: "postlude").critical(
            "the program cannot run", metadata: ["error": "\(LoggedError.text(error))"])
    }
}
