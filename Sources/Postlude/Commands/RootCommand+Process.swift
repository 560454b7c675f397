internal import ArgumentParser
internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeSystem

extension RootCommand {
    /// Runs a command whose process runs the application's code, with the log and the signals of a server.
    ///
    /// - Parameters:
    ///   - signals: the signals that `body` reads.
    ///   - body: creates the application, and returns the exit status.
    /// - Throws: always an `ExitCode`. An error of `body` is printed and logged before.
    static func runProcess(
        takingSignals signals: [Int32], _ body: (SignalDescriptor, LogWriter) async throws -> Int32
    ) async throws -> Never {
        // Before any thread is started: threads inherit the signal mask.
        let signals = try SignalDescriptor(signals)
        // Before the application is created, which may create loggers.
        let writer = LogWriter(program: programName)
        defer { writer.flush() }
        writer.takeLogs(with: RequestScope.metadataProvider, handler: App.logHandler)
        bufferOutputByLines()
        let status: Int32
        do {
            status = try await body(signals, writer)
        } catch {
            writer.report(error, endOf: programName)
            throw ExitCode.failure
        }
        throw ExitCode(status)
    }
}

extension LogWriter {
    /// Reports the error that ends the program on standard error, and in the log if that is elsewhere.
    fileprivate func report(_ error: any Error, endOf program: String) {
        // Mistakes of the manifest include the file's name.
        let isNamed = error is ManifestError || error is HandlersError
        printError(isNamed ? "\(error)" : "\(program): \(error)")
        guard !logsToStandardError else { return }
        Logger(label: "postlude").critical(
            "the program cannot run", metadata: ["error": "\(LoggedError.text(error))"])
    }
}
