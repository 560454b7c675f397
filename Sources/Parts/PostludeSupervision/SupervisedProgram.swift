package import PostludeSystem

/// What the supervisor starts.
package struct SupervisedProgram: Sendable {
    /// The file that processes run: this very program, also when another file has taken its place meanwhile.
    package var processPath = "/proc/self/exe"
    /// A process's arguments, the program's name being the first.
    package var processArguments: @Sendable (_ index: Int) -> [String]
    /// The file that replaces this program; nil if its path is not known.
    package var path: String?
    /// Where the program that replaces this one begins; nil for the folder that this one is in.
    package var folder: WorkingFolder?
    /// With these the file at `path` says by its exit status whether it could take over. It finds the manifest's text
    /// under the descriptor `Descriptors.control`.
    package var preflightArguments: [String]
    /// With these it takes over.
    package var arguments: [String]

    package init(
        processArguments: @escaping @Sendable (_ index: Int) -> [String], path: String?,
        folder: WorkingFolder? = nil, preflightArguments: [String], arguments: [String]
    ) {
        self.processArguments = processArguments
        self.path = path
        self.folder = folder
        self.preflightArguments = preflightArguments
        self.arguments = arguments
    }

    /// The numbers under which a process finds what it has inherited.
    package enum Descriptors {
        package static let listener: Int32 = 0
        package static let control: Int32 = 3
        package static let scoreboard: Int32 = 4
        package static let handoverSending: Int32 = 5
        package static let handoverReceiving: Int32 = 6
    }
}
