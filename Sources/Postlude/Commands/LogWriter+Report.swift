internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest

extension LogWriter {
    /// Says why the program ends: on standard error, and in the log where that is another place.
    func report(_ error: any Error, endOf program: String) {
        // The manifest's mistakes name its file.
        let isNamed = error is ManifestError || error is HandlersError
        printError(isNamed ? "\(error)" : "\(program): \(error)")
        guard !logsToStandardError else { return }
        Logger(label: "postlude").critical(
            "the program cannot run", metadata: ["error": "\(LoggedError.text(error))"])
    }
}
