import Foundation
import Logging
import Testing

@testable import PostludeManifest

/// Compares the reference page of the settings with the decoder.
@Suite("The settings' reference page")
struct SettingsPageTests {
    private struct Row {
        let key: String
        let `default`: String
    }

    /// The rows of each table, by the heading above it.
    private func tables() throws -> [String: [Row]] {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        let page = folder.appending(path: "Sources/Postlude/Postlude.docc/Settings.md")
        var tables: [String: [Row]] = [:]
        var heading = ""
        for line in try String(contentsOf: page, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("### ") { heading = String(line.dropFirst(4)) }
            guard line.hasPrefix("| `") else { continue }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 4, "\(line)")
            tables[heading, default: []].append(
                Row(
                    key: cells[0].trimmingCharacters(in: ["`"]),
                    default: cells[2].trimmingCharacters(in: ["`"])))
        }
        return tables
    }

    private func keys<Key: ManifestKey>(_: Key.Type) -> [String] { Key.allCases.map(\.rawValue) }

    @Test("Each mapping has a table of the decoder's keys and no others")
    func keys() throws {
        let mappings = [
            "The manifest": keys(ManifestRootKey.self), "`listen`": keys(ListenKey.self),
            "`processes`": keys(ProcessesKey.self), "`workers`": keys(WorkersKey.self),
            "`overload`": keys(OverloadKey.self), "`limits`": keys(LimitsKey.self),
            "`tasks`": keys(TasksKey.self), "`log`": keys(LogKey.self),
            "`access` in `log`": keys(AccessKey.self), "`status`": keys(StatusKey.self),
            "`problems` in `status`": keys(ProblemsKey.self),
            "`files`": keys(FilesKey.self), "`uploads`": keys(UploadsKey.self),
            "`task-store`": keys(TaskStoreKey.self), "A kind's `durable-tasks`": keys(DurableTaskKey.self),
            "`runs`": keys(ExecutionKey.self), "`rerouting`": keys(ReroutingKey.self),
            "A schedule": keys(ScheduleKey.self), "`celery`": keys(CeleryKey.self),
            "`openapi`": keys(OpenAPIKey.self), "A route": keys(RouteKey.self),
            "A group of routes": keys(RouteGroupKey.self),
            "A route's `limits`": keys(RouteLimitsKey.self),
            "A route's `idempotency`": keys(IdempotencyKey.self),
        ]
        let tables = try tables()
        #expect(Set(tables.keys) == Set(mappings.keys))
        for (heading, keys) in mappings {
            #expect(tables[heading]?.map(\.key).sorted() == keys.sorted(), "\(heading)")
        }
    }

    /// By heading and key. A key that is missing here has no default.
    private func defaults() throws -> [String: String] {
        let manifest = Manifest()
        let given = "schedules: { s: { cron: '@daily', task: t } }"
        let schedule = try #require(try parse(PostludeManifestTests.manifest(given)).schedules.first)
        let (processes, workers, limits) = (manifest.processes, manifest.workers, manifest.limits)
        let taskStore = Manifest.TaskStore(path: "/a")
        let idempotency = Manifest.Idempotency(location: SourceLocation(file: "", position: nil))
        let problems = Manifest.Status.Problems()
        return [
            "The manifest.shutdown-grace": DurationText.text(of: manifest.shutdownGrace),
            "`listen`.mode": FileModeText.text(of: manifest.listen.mode),
            "`listen`.backlog": "\(manifest.listen.backlog)",
            "`processes`.count": "\(processes.count)",
            "`workers`.min": "\(workers.minimum)",
            "`workers`.max": "\(workers.maximum)",
            "`workers`.reserved-for-requests": "\(workers.reservedForRequests)",
            "`processes`.watchdog": DurationText.text(of: manifest.processes.watchdog),
            "`workers`.idle-time": DurationText.text(of: workers.idleTime),
            "`overload`.when-busy": manifest.overload.policy.rawValue,
            "`overload`.wait": DurationText.text(of: manifest.overload.wait),
            "`overload`.retry-after": DurationText.text(of: manifest.overload.retryAfter),
            "`limits`.head": ByteCountText.text(of: limits.head),
            "`limits`.body": ByteCountText.text(of: limits.body),
            "`limits`.head-time": DurationText.text(of: limits.headTime),
            "`limits`.read-time": DurationText.text(of: limits.readTime),
            "`limits`.write-time": DurationText.text(of: limits.writeTime),
            "`limits`.event-streams": "\(limits.eventStreams)",
            "`tasks`.warn": DurationText.text(of: manifest.tasks.warn),
            "`tasks`.when-full": manifest.tasks.whenFull.rawValue,
            "`task-store`.keep": DurationText.text(of: taskStore.keep),
            "`task-store`.keep-failed": DurationText.text(of: taskStore.keepFailed),
            "`task-store`.lock-timeout": DurationText.text(of: taskStore.lockTimeout),
            "`task-store`.max-answers": ByteCountText.text(of: taskStore.maximumAnswers),
            "A route's `idempotency`.key": idempotency.key.rawValue,
            "A route's `idempotency`.keep": DurationText.text(of: idempotency.keep),
            "A schedule.time-zone": schedule.timeZone.value,
            "A schedule.overlap": schedule.overlap.rawValue,
            "`log`.level": manifest.log.level.rawValue,
            "`log`.to": manifest.log.destination == .standardError ? "stderr" : "another",
            "`access` in `log`.format": Manifest.Log.Access().format == .json ? "json" : "another",
            "`status`.mode": FileModeText.text(of: Manifest.Status(listen: "/a").mode),
            "`status`.task-actions": "\(Manifest.Status(listen: "/a").taskActions)",
            "`problems` in `status`.dead-letters": "\(problems.deadLetters)",
            "`problems` in `status`.outage": DurationText.text(of: problems.outage),
            "`problems` in `status`.oldest-task": DurationText.text(of: problems.oldestTask),
            "`problems` in `status`.busy-time": DurationText.text(of: problems.busyTime),
            "`problems` in `status`.errors": PercentText.text(of: problems.errors),
            "`problems` in `status`.restarts": "\(problems.restarts)",
            "`uploads`.folder": manifest.uploads.folder,
            "`openapi`.title": manifest.openAPI.title,
            "`openapi`.version": manifest.openAPI.version,
            "A route.deprecated": "false",
        ]
    }

    @Test("Every default is the decoder's")
    func everyDefault() throws {
        let defaults = try defaults()
        var seen: Set<String> = []
        for (heading, rows) in try tables() {
            for row in rows {
                let name = "\(heading).\(row.key)"
                seen.insert(name)
                #expect(Self.normal(row.default) == Self.normal(defaults[name] ?? "—"), "\(name)")
            }
        }
        #expect(seen.isSuperset(of: defaults.keys))
    }

    @Test("A key without a default in the table has none in the decoder")
    func absent() {
        let manifest = Manifest()
        let kind = Manifest.DurableTask("a", location: SourceLocation(file: "", position: nil))
        let values: [Any?] = [
            manifest.listen.address, manifest.listen.owner, manifest.listen.group,
            manifest.processes.maximumRequests, manifest.processes.maximumMemory,
            manifest.limits.requestTimeout, manifest.limits.slowTime, manifest.limits.killTime,
            manifest.tasks.deadline, manifest.tasks.killTime, manifest.tasks.maxQueued, manifest.log.access,
            manifest.status, manifest.taskStore, manifest.files, manifest.openAPI.description,
            manifest.openAPI.document, manifest.openAPI.page, kind.attempts, kind.delay, kind.factor,
            kind.maximumDelay, kind.jitter, kind.deadline, kind.expiry, kind.priority, kind.runs,
            kind.rerouting,
        ]
        for value in values { #expect(value == nil) }
        #expect(manifest.prefix.isEmpty && manifest.routes.isEmpty)
        #expect(manifest.listen.allow.isEmpty && manifest.listen.allowUsers.isEmpty)
    }

    /// A duration by its value: `60s` equals `1m`.
    private static func normal(_ text: String) -> String {
        (try? DurationText.parse(text)).map { "\($0)" } ?? text
    }
}
