import Foundation
import Logging
import Testing

@testable import PostludeManifest

/// Compares the schema with the decoder.
@Suite("The manifest's JSON Schema")
struct ManifestSchemaTests {
    /// A part of the schema.
    private struct Part {
        let object: [String: Any]

        /// - Parameter object: a schema, or a reference to another part.
        init(_ object: Any?) throws {
            var object = try #require(object as? [String: Any])
            while let reference = object["$ref"] as? String {
                let names = reference.split(separator: "/").dropFirst().map(String.init)
                let root = try JSONSerialization.jsonObject(with: Data(Manifest.schema.utf8))
                let target = names.reduce(root as Any?) { ($0 as? [String: Any])?[$1] }
                object = try #require(target as? [String: Any])
            }
            self.object = object
        }

        /// The schema of a value that does not come from the environment.
        var constraints: [String: Any] { (object["anyOf"] as? [[String: Any]])?.first ?? object }

        /// The schema of a mapping, which may be one of two choices beside a short form.
        var mapping: [String: Any] {
            let choices = object["anyOf"] as? [[String: Any]] ?? []
            return choices.first { $0["properties"] != nil } ?? object
        }

        /// The schemas of the values under keys that the file chooses.
        var each: Part {
            get throws { try Part(object["additionalProperties"]) }
        }

        var keys: Set<String> { Set((mapping["properties"] as? [String: Any] ?? [:]).keys) }
        var `default`: String? { object["default"].map { "\($0)" } }

        subscript(property: String) -> Part {
            get throws {
                let properties = try #require(mapping["properties"] as? [String: Any])
                return try Part(properties[property])
            }
        }
    }

    private func schema() throws -> Part {
        try Part(JSONSerialization.jsonObject(with: Data(Manifest.schema.utf8)))
    }

    private func route() throws -> Part { try Part(["$ref": "#/definitions/route"]) }
    private func group() throws -> Part { try Part(["$ref": "#/definitions/group"]) }

    private static let idempotency = Manifest.Idempotency(
        location: SourceLocation(file: "", position: nil))

    private func expectKeys<Key: ManifestKey>(_ part: Part, _: Key.Type) {
        #expect(part.keys == Set(Key.allCases.map(\.rawValue)))
        #expect(part.mapping["additionalProperties"] as? Bool == false)
    }

    @Test("Each mapping has exactly the decoder's keys")
    func keys() throws {
        let (schema, route) = (try schema(), try route())
        expectKeys(schema, ManifestRootKey.self)
        expectKeys(try schema["listen"], ListenKey.self)
        expectKeys(try schema["processes"], ProcessesKey.self)
        expectKeys(try schema["workers"], WorkersKey.self)
        expectKeys(try schema["overload"], OverloadKey.self)
        expectKeys(try schema["limits"], LimitsKey.self)
        expectKeys(try schema["tasks"], TasksKey.self)
        expectKeys(try schema["log"], LogKey.self)
        expectKeys(try schema["log"]["access"], AccessKey.self)
        expectKeys(try schema["status"], StatusKey.self)
        expectKeys(try schema["files"], FilesKey.self)
        expectKeys(try schema["uploads"], UploadsKey.self)
        expectKeys(try schema["task-store"], TaskStoreKey.self)
        let (kind, schedule) = (try schema["durable-tasks"].each, try schema["schedules"].each)
        expectKeys(kind, DurableTaskKey.self)
        expectKeys(try kind["runs"], ExecutionKey.self)
        expectKeys(try kind["rerouting"], ReroutingKey.self)
        expectKeys(schedule, ScheduleKey.self)
        expectKeys(try schema["celery"], CeleryKey.self)
        expectKeys(try schema["openapi"], OpenAPIKey.self)
        expectKeys(route, RouteKey.self)
        expectKeys(try group(), RouteGroupKey.self)
        expectKeys(try route["limits"], RouteLimitsKey.self)
        expectKeys(try route["tasks"], TasksKey.self)
        expectKeys(try route["idempotency"], IdempotencyKey.self)
    }

    @Test("Every key that an editor shows has a description")
    func descriptions() throws {
        func check(_ part: Part, _ name: String) throws {
            #expect((part.object["description"] as? String)?.isEmpty == false, "\(name)")
            for key in part.keys { try check(part[key], "\(name).\(key)") }
            if part.object["additionalProperties"] is [String: Any] { try check(part.each, "\(name).*") }
        }
        try check(schema(), "schema")
        try check(route(), "route")
        for key in try group().keys.subtracting(["routes"]) { try check(group()[key], "group.\(key)") }
    }

    @Test("The defaults are the decoder's")
    func defaults() throws {
        let (schema, manifest) = (try schema(), Manifest())
        let workers = try schema["workers"]
        #expect(try workers["min"].default == "\(manifest.workers.minimum)")
        #expect(try workers["max"].default == "\(manifest.workers.maximum)")
        #expect(try workers["reserved-for-requests"].default == "\(manifest.workers.reservedForRequests)")
        #expect(try schema["limits"]["event-streams"].default == "\(manifest.limits.eventStreams)")
        let times = [
            (try workers["idle-time"], manifest.workers.idleTime),
            (try schema["overload"]["wait"], manifest.overload.wait),
            (try schema["overload"]["retry-after"], manifest.overload.retryAfter),
            (try schema["limits"]["head-time"], manifest.limits.headTime),
            (try schema["limits"]["read-time"], manifest.limits.readTime),
            (try schema["limits"]["write-time"], manifest.limits.writeTime),
            (try schema["tasks"]["warn"], manifest.tasks.warn),
            (try schema["shutdown-grace"], manifest.shutdownGrace),
            (try schema["processes"]["watchdog"], manifest.processes.watchdog),
            (try schema["task-store"]["keep"], Manifest.TaskStore(path: "/a").keep),
            (try schema["task-store"]["keep-failed"], Manifest.TaskStore(path: "/a").keepFailed),
            (try schema["task-store"]["lock-timeout"], Manifest.TaskStore(path: "/a").lockTimeout),
            (try route()["idempotency"]["keep"], Self.idempotency.keep),
        ]
        for (part, duration) in times {
            #expect(try DurationText.parse(#require(part.default)) == duration)
        }
        #expect(try route()["idempotency"]["key"].default == Self.idempotency.key.rawValue)
        let answers = try #require(try schema["task-store"]["max-answers"].default)
        #expect(try ByteCountText.parse(answers) == Manifest.TaskStore(path: "/a").maximumAnswers)
        let absent: [(Part, Any?)] = [
            (try schema["tasks"]["deadline"], manifest.tasks.deadline),
            (try schema["tasks"]["kill-time"], manifest.tasks.killTime),
            (try schema["limits"]["request-timeout"], manifest.limits.requestTimeout),
            (try schema["limits"]["slow-time"], manifest.limits.slowTime),
            (try schema["limits"]["kill-time"], manifest.limits.killTime),
            (try schema["processes"]["max-requests"], manifest.processes.maximumRequests),
            (try schema["processes"]["max-memory"], manifest.processes.maximumMemory),
            (try schema["listen"]["address"], manifest.listen.address),
            (try schema["listen"]["owner"], manifest.listen.owner),
            (try schema["listen"]["group"], manifest.listen.group),
        ]
        for (part, value) in absent {
            #expect(part.default == nil)
            #expect(value == nil)
        }
        let modes = [
            (try schema["listen"]["mode"], manifest.listen.mode),
            (try schema["status"]["mode"], Manifest.Status(listen: "/a").mode),
        ]
        for (part, mode) in modes { #expect(try FileModeText.parse(#require(part.default)) == mode) }
        let counts = [
            (try schema["listen"]["backlog"], manifest.listen.backlog),
            (try schema["processes"]["count"], manifest.processes.count),
        ]
        for (part, count) in counts { #expect(part.default == "\(count)") }
        #expect(try schema["overload"]["when-busy"].default == manifest.overload.policy.rawValue)
        let sizes = [
            (try schema["limits"]["head"], manifest.limits.head),
            (try schema["limits"]["body"], manifest.limits.body),
        ]
        for (part, size) in sizes {
            #expect(try ByteCountText.parse(#require(part.default)) == size)
        }
        #expect(try schema["log"]["level"].default == manifest.log.level.rawValue)
        #expect(try schema["log"]["to"].default == "stderr")
        #expect(manifest.log.destination == .standardError)
        #expect(try schema["uploads"]["folder"].default == manifest.uploads.folder)
        #expect(try schema["openapi"]["title"].default == manifest.openAPI.title)
        #expect(try schema["openapi"]["version"].default == manifest.openAPI.version)
        #expect(try schema["schedules"].each["time-zone"].default == "UTC")
        #expect(try schema["schedules"].each["overlap"].default == Manifest.Schedule.Overlap.skip.rawValue)
        #expect(try route()["deprecated"].object["default"] as? Bool == false)
    }

    @Test("Every value but free text may come from the environment, by one definition")
    func environment() throws {
        func check(_ part: Part, _ name: String) throws {
            for key in part.keys { try check(part[key], "\(name).\(key)") }
            if part.object["additionalProperties"] is [String: Any] { try check(part.each, "\(name).*") }
            // An item of `routes` is a route or a group.
            if let items = part.object["items"] as? [String: Any], items["if"] == nil {
                try check(Part(items), "\(name)[]")
            }
            let choices = part.object["anyOf"] as? [[String: Any]]
            let isFree = part.object["type"] as? String == "string"
            let isContainer = ["object", "array"].contains(part.object["type"] as? String)
            if let choices {
                #expect(choices.last?["$ref"] as? String == "#/definitions/environment", "\(name)")
                #expect(choices.count == (part.keys.isEmpty ? 2 : 3), "\(name)")
            } else {
                #expect(isContainer || isFree, "\(name)")
                #expect(isContainer || part.object["pattern"] == nil, "\(name)")
                #expect(part.object["enum"] == nil, "\(name)")
            }
        }
        try check(schema(), "schema")
        try check(route(), "route")
        try check(group(), "group")
    }

    @Test("The log's levels are swift-log's")
    func levels() throws {
        let levels = try schema()["log"]["level"].constraints["enum"] as? [String]
        #expect(levels == Logger.Level.allCases.map(\.rawValue))
    }

    @Test("The policies of overload are the decoder's")
    func policies() throws {
        let policies = try schema()["overload"]["when-busy"].constraints["enum"] as? [String]
        #expect(policies == Manifest.Overload.Policy.allCases.map(\.rawValue))
    }

    @Test("Numbers have the decoder's bounds")
    func bounds() throws {
        let schema = try schema()
        let numbers = [
            (try schema["listen"]["backlog"], ManifestBounds.backlog),
            (try schema["processes"]["count"], ManifestBounds.processes),
            (try schema["processes"]["max-requests"], ManifestBounds.requests),
            (try schema["processes"]["max-memory"], ManifestBounds.memory),
            (try schema["durable-tasks"].each["attempts"], ManifestBounds.attempts),
            (try schema["durable-tasks"].each["running"], ManifestBounds.running),
            (try schema["workers"]["min"], ManifestBounds.workers),
            (try schema["workers"]["max"], ManifestBounds.workers),
            (try schema["workers"]["reserved-for-requests"], ManifestBounds.reservedForRequests),
            (try schema["limits"]["head"], ManifestBounds.head),
            (try schema["limits"]["body"], ManifestBounds.body),
            (try route()["limits"]["body"], ManifestBounds.body),
        ]
        for (part, range) in numbers {
            #expect(part.constraints["minimum"] as? Int == range.lowerBound)
            #expect(part.constraints["maximum"] as? Int == range.upperBound)
        }
        let kind = try schema["durable-tasks"].each
        let fractions = [
            (try kind["factor"], ManifestBounds.factor), (try kind["jitter"], ManifestBounds.jitter),
        ]
        for (part, range) in fractions {
            #expect(part.constraints["minimum"] as? Double == range.lowerBound)
            #expect(part.constraints["maximum"] as? Double == range.upperBound)
        }
    }

    @Test("The schema and the decoder agree about every manifest of the corpus")
    func corpus() throws {
        let environment = SchemaCorpus.environment
        let corpus = SchemaCorpus.valid + SchemaCorpus.invalid
        let results = try SchemaCorpus.results(of: Manifest.schema, about: corpus)
        try #require(results.count == corpus.count + 1)
        #expect(results[0] == "schema valid")
        for (yaml, result) in zip(corpus, results.dropFirst()) {
            #expect(
                (result == "valid") == mistakes(yaml, environment: environment).isEmpty,
                "\(result)\n\(yaml)")
        }
        for yaml in SchemaCorpus.valid { #expect(mistakes(yaml, environment: environment) == [], "\(yaml)") }
        for yaml in SchemaCorpus.invalid {
            #expect(mistakes(yaml, environment: environment) != [], "\(yaml)")
        }
    }
}
