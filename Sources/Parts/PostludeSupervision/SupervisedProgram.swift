package import PostludeSystem

/// The program whose processes the supervisor starts, and how it is replaced.
package struct SupervisedProgram: Sendable {
    /// The file that processes execute: the running program, even if its path now has another file.
    package var processPath = "/proc/self/exe"
    /// The arguments of a process, beginning with the program's name.
    package var processArguments: @Sendable (_ index: Int) -> [String]
    /// The file that replaces this program; nil if the path is not known.
    package var path: String?
    /// The working directory of the program that replaces this one; nil for the current one.
    package var folder: WorkingFolder?
    /// The arguments with which a program checks a manifest: this one before a reload, and the file at `path` before it
    /// replaces this one. The exit status is the result. It reads the manifest's text from the descriptor
    /// `Descriptors.control`.
    package var preflightArguments: [String]
    /// The arguments that are added to those for the check of the file at `path`, unless the upgrade is forced.
    package var upgradeCheckArguments: [String]
    /// The arguments with which the file at `path` replaces this program.
    package var arguments: [String]

    package init(
        processArguments: @escaping @Sendable (_ index: Int) -> [String], path: String?,
        folder: WorkingFolder? = nil, preflightArguments: [String], upgradeCheckArguments: [String] = [],
        arguments: [String]
    ) {
        self.processArguments = processArguments
        self.path = path
        self.folder = folder
        self.preflightArguments = preflightArguments
        self.upgradeCheckArguments = upgradeCheckArguments
        self.arguments = arguments
    }

    /// The numbers of the descriptors that a process inherits.
    package enum Descriptors {
        package static let listener: Int32 = 0
        package static let control: Int32 = 3
        package static let scoreboard: Int32 = 4
        package static let handoverSending: Int32 = 5
        package static let handoverReceiving: Int32 = 6
    }
}
