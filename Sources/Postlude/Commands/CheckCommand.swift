internal import ArgumentParser
internal import Glibc
internal import PostludeManifest
internal import PostludeSystem

struct CheckCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check",
            abstract: "Check the manifest and its handlers, as nginx -t checks nginx.conf.",
            discussion: """
                It also warns of folders of the task store, logs, uploads and sockets that are missing, or that the user may \
                not write to.

                With --tasks it decodes every stored task that waits, runs or has failed, as this program would, and fails if it \
                cannot read one. Servers may run meanwhile, and are not delayed.

                With --fix it corrects mistakes whose correction is certain: a misspelled key, a path without its first slash, a \
                method in lower case. It prints each change, and keeps everything else in the file. If mistakes remained, the \
                file stays as it is.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Check files and folders as this user, which will serve; needs root.", valueName: "name"))
    var user: String?

    @Flag(name: .long, help: "Also show the version of the library that keeps durable tasks.")
    var verbose = false

    @Flag(name: .long, help: "Also check that this program can read the tasks in the task store.")
    var tasks = false

    @Flag(name: .long, help: "Correct misspelled keys, missing slashes and methods in lower case.")
    var fix = false

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let application = App()
        let handlers = application.registeredHandlers
        let changes = fix ? try fixManifest(for: handlers) : []
        let manifest = try manifest(for: handlers)
        if let user { try becomeUser(user) }
        let library = verbose ? application.taskEngine?.parts.library : nil
        let used = Set(manifest.routes.map(\.handler))
        let warnings = EnvironmentChecks.warnings(about: manifest)
        let notes = handlers.all.filter { !used.contains($0.name) }.map {
            "no route uses the handler \"\($0.name)\""
        }
        let tasks = tasks ? try checkTasks(of: application, manifest) : nil
        if json {
            try printJSON(
                routes: manifest.routes.count, warnings: warnings, notes: notes, library: library, tasks,
                changes: changes)
            return try failIfUnreadable(tasks)
        }
        let documents = manifest.openAPI.paths.map {
            "also serves GET \($0.path) \($0.name)"
        }
        let routes = manifest.routes.count == 1 ? "1 route" : "\(manifest.routes.count) routes"
        let checked = "files and folders were checked as the user \(EnvironmentChecks.user)"
        let lines =
            ["the manifest is valid: \(routes)"] + documents
            + warnings.map { "warning: \($0)" } + notes.map { "note: \($0)" } + [checked]
            + (library.map { ["durable tasks are stored by \($0)"] } ?? [])
        let taskLines = tasks?.lines ?? []
        try printOutput((lines + taskLines).map { "\(options.manifest): \($0)" }.joined(separator: "\n"))
        try failIfUnreadable(tasks)
    }

    private func checkTasks(of application: App, _ manifest: Manifest) throws -> StoredTaskCheck {
        guard let engine = application.taskEngine else {
            throw ValidationError("--tasks: the application has no durable tasks")
        }
        CrashNote.enable()
        do {
            return try engine.parts.checkStoredTasks(manifest, within: nil)
        } catch {
            printError("\(programName): \(error)")
            throw ExitCode.failure
        }
    }

    private func failIfUnreadable(_ tasks: StoredTaskCheck?) throws {
        if let tasks, !tasks.problems.isEmpty { throw ExitCode.failure }
    }

    private func manifest(for handlers: Handlers) throws -> Manifest {
        guard json else { return try options.load(for: handlers) }
        do {
            return try handlers.manifest(at: options.manifest)
        } catch let error as ManifestError {
            try printMistakes([], error.diagnostics)
        } catch let error as HandlersError {
            try printMistakes(error.problems, error.mistakes)
        }
        throw ExitCode.failure
    }

    /// Corrects the manifest's file, and prints what has changed.
    ///
    /// - Returns: the changes; none if mistakes remained.
    private func fixManifest(for handlers: Handlers) throws -> [ManifestFixes.Change] {
        do {
            let fixes = try ManifestFixes(of: options.manifest, for: handlers)
            guard !fixes.changes.isEmpty else { return [] }
            guard try fixes.apply(for: handlers) else {
                printError(
                    "\(options.manifest): nothing was changed, because these mistakes cannot all be corrected:"
                )
                return []
            }
            if !json { try printOutput(fixes.changes.map(\.description).joined(separator: "\n")) }
            return fixes.changes
        } catch is ManifestError {
            // Reported by the check that follows.
            return []
        } catch let error as SystemError {
            printError("\(programName): \(error)")
        } catch let error as ManifestChangedMeanwhile {
            printError("\(programName): \(error)")
        }
        throw ExitCode.failure
    }

    private func becomeUser(_ user: String) throws {
        do {
            try EnvironmentChecks.become(user)
        } catch {
            printError("\(programName): --user \(user): \(error)")
            throw ExitCode.failure
        }
    }

    private func printMistakes(_ problems: [String], _ mistakes: [Diagnostic]) throws {
        let all: [DocumentNode] =
            problems.map { DocumentNode.object(["message": .string($0)]) }
            + mistakes.map { .object(["location": $0.location.node, "message": .string($0.message)]) }
        try printOutput(
            DocumentNode.object(["valid": .value(.bool(false)), "mistakes": .array(all)]).text(isPretty: true)
        )
    }

    private func printJSON(
        routes: Int, warnings: [String], notes: [String], library: String?, _ tasks: StoredTaskCheck?,
        changes: [ManifestFixes.Change]
    ) throws {
        try printOutput(
            DocumentNode.object([
                "valid": .value(.bool(true)), "routes": .value(.integer(routes)),
                "warnings": .array(warnings.map(DocumentNode.string)),
                "notes": .array(notes.map(DocumentNode.string)), "user": .string(EnvironmentChecks.user),
                "durable-tasks-library": library.map(DocumentNode.string), "tasks": tasks.map(\.node),
                "changes": fix
                    ? .array(
                        changes.map { change in
                            .object([
                                "location": change.location.node, "old": .string(change.fix.old),
                                "new": .string(change.fix.new),
                            ])
                        }) : nil,
            ]).text(isPretty: true))
    }
}

extension StoredTaskCheck {
    fileprivate var node: DocumentNode {
        .object([
            "checked": .value(.integer(checked)), "unreadable": .value(.integer(unreadable)),
            "suspects": .value(.integer(suspects)),
            "problems": .array(
                problems.map { problem in
                    .object([
                        "kind": .string(problem.kind), "member": problem.member.map(DocumentNode.string),
                        "reason": .string(problem.reason), "count": .value(.integer(problem.count)),
                        "ids": .array(problem.ids.map(DocumentNode.string)),
                    ])
                }),
        ])
    }
}

/// Checks of the files, folders, users and groups that a manifest names, as a given user sees them. They give warnings
/// only, since the manifest may be meant for another user or another machine.
enum EnvironmentChecks {
    static func warnings(about manifest: Manifest) -> [String] {
        var warnings = [folder(manifest.uploads.folder, key: "uploads.folder")]
        if let files = manifest.files {
            warnings.append(folder(files.root, key: "files.root", mode: R_OK | X_OK, to: "read"))
        }
        // SQLite creates other files next to it.
        if let taskStore = manifest.taskStore, let path = taskStore.path, !taskStore.isServer {
            warnings.append(folder(of: path, key: "task-store.path"))
        }
        warnings.append(log(manifest.log.destination, key: "log.to"))
        if let access = manifest.log.access {
            warnings.append(log(access.destination, key: "log.access.to"))
        }
        let (listen, status) = (manifest.listen, manifest.status)
        warnings += [socket(listen.address, key: "listen"), socket(status?.listen, key: "status")]
        let users =
            [("listen.owner", listen.owner), ("status.owner", status?.owner)]
            + listen.allowUsers.map { ("listen.allow-users", $0) }
        let groups = [("listen.group", listen.group), ("status.group", status?.group)]
        warnings += users.map { key, name in account(name, key: key, kind: "user", isKnown: isUser) }
        warnings += groups.map { key, name in account(name, key: key, kind: "group", isKnown: isGroup) }
        return warnings.compactMap(\.self)
    }

    // MARK: The user

    /// The user as whom files are checked, by name, or by number if it has no name.
    static var user: String { userName(geteuid()) ?? "\(geteuid())" }

    /// Switches the process to another user and its groups.
    static func become(_ user: String) throws {
        guard let id = userID(user), let name = userName(id) else { throw UserError.unknown }
        guard let group = primaryGroup(of: name) else { throw UserError.unknown }
        guard geteuid() == 0 else { throw UserError.notRoot }
        guard initgroups(name, group) == 0, setegid(group) == 0, seteuid(id) == 0 else {
            throw SystemError("seteuid(\(name))")
        }
    }

    private enum UserError: Error, CustomStringConvertible {
        case unknown, notRoot

        var description: String {
            switch self {
            case .unknown: "this machine has no such user"
            case .notRoot: "only root can check as another user"
            }
        }
    }

    // MARK: The checks

    private static func log(_ destination: Manifest.Log.Destination, key: String) -> String? {
        guard case .file(let path) = destination else { return nil }
        guard faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0 else { return folder(of: path, key: key) }
        return mayAccess(path, W_OK) ? nil : "\(key): \(path) cannot be written by the user \(user)"
    }

    private static func socket(_ address: String?, key: String) -> String? {
        guard let address, address.contains("/") else { return nil }
        return folder(of: address, key: key)
    }

    /// Checks the folder in which a file will be created. Returns what is wrong with it; nil if it can be written.
    private static func folder(of path: String, key: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let parent = parts.joined(separator: "/")
        return folder(parent.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : parent, key: key)
    }

    private static func folder(
        _ path: String, key: String, mode: Int32 = W_OK | X_OK, to verb: String = "written"
    ) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
            return "\(key): \(path) cannot be found: \(reason)"
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(key): \(path) is not a folder" }
        return mayAccess(path, mode) ? nil : "\(key): \(path) cannot be \(verb) by the user \(user)"
    }

    private static func mayAccess(_ path: String, _ mode: Int32) -> Bool {
        faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0
    }

    private static func account(
        _ name: String?, key: String, kind: String, isKnown: (String) -> Bool
    ) -> String? {
        guard let name, UInt32(name) == nil, !isKnown(name) else { return nil }
        return "\(key): this machine has no \(kind) \(name)"
    }

    private static func isUser(_ name: String) -> Bool { userID(name) != nil }
    private static func isGroup(_ name: String) -> Bool { groupID(name) != nil }
}
