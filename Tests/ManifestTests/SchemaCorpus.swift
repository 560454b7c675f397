import Foundation

/// Small manifests about which the schema and the decoder must agree, and what an independent validator says.
enum SchemaCorpus {
    static let valid =
        [
            "", "prefix: /api", "prefix: /api/v1", "shutdown-grace: 0s", "shutdown-grace: 250ms",
            "workers: { min: 1, max: 4096, reserved-for-requests: 0, idle-time: 1h }", "workers: {}",
            "limits: { head: 1024, body: 0, head-time: 1ms, read-time: 007s, write-time: 5m }",
            "limits: { head: 64k, body: 1GiB }", "limits: { body: '65536' }", "limits: { body: 100B }",
            "limits: { body: 8M }", "tasks: { warn: 1s, deadline: 2h }", "tasks: {}",
            "log: { level: trace, to: stderr }", "log: { to: /var/log/app.log }", "log: { to: ./app.log }",
        ].map(manifest)
        + [
            "path: /, method: GET", "path: '/items/{id:int}', methods: [GET, POST]",
            "regex: ^/a$, method: M-SEARCH",
            "path: /a, method: GET, limits: { body: 1k, read-time: 1s, write-time: 1s }",
            "path: /a, method: GET, tasks: { warn: 1s, deadline: 1m }, limits: {}",
        ].map(route)

    static let invalid =
        [
            "prefix: api", "prefix: /api/", "prefix: /", "prefix: '/{a}'", "prefix: 5", "prefix: null",
            "unknown: 1",
            "prefix: true", "prefix: ''",
            "workers: 4", "workers: []", "workers:", "workers: { min: 0 }", "workers: { max: 4097 }",
            "workers: { min: '4' }", "workers: { min: 1.5 }", "workers: { reserved-for-requests: -1 }",
            "workers: { idle-time: 30 }", "workers: { idle-time: 0s }", "workers: { idle: 30s }",
            "shutdown-grace: 30", "shutdown-grace: 1d", "shutdown-grace: 1.5s", "shutdown-grace: 1m30s",
            "shutdown-grace: -1s", "shutdown-grace: 5 s", "shutdown-grace: [5s]", "limits: { head: 1023 }",
            "limits: { head: 16777217 }", "limits: { body: -1 }", "limits: { body: 1MB }",
            "limits: { body: 1.5 }",
            "limits: { body: }", "limits: { body: true }", "limits: { body: [1] }", "limits: { body: '' }",
            "limits: { read-time: 0ms }", "tasks: { warn: soon }", "tasks: { deadline: never }",
            "tasks: { warm: 1s }",
            "log: { level: loud }", "log: { level: INFO }", "log: { to: stdout }", "log: { to: app.log }",
            "log: { to: /var/log/ }", "log: { to: 2 }", "log: debug",
        ].map(manifest)
        + [
            "path: a, method: GET", "path: '', method: GET", "method: GET", "path: /a",
            "path: /a, regex: b, method: GET",
            "path: /a, method: get", "path: /a, method: 'G T'", "path: /a, method: ''",
            "path: /a, method: [GET]",
            "path: /a, methods: GET", "path: /a, methods: []", "path: /a, methods: [GET, GET]",
            "path: /a, methods: [get]", "path: /a, methods: [5]", "path: /a, methods: [GET], method: GET",
            "path: 5, method: GET", "regex: '', method: GET", "path: /a, method: GET, limits: { head: 1k }",
            "path: /a, method: GET, limits: 1k", "path: /a, method: GET, tasks: { warn: 5 }",
            "path: /a, method: GET, name: a",
        ].map(route)
        + [
            "routes: []", "routes: {}", "routes:", "prefix: /a", "[]", "text", "routes: [a]",
            "routes: [{ path: /a, method: GET }]", "routes: [{ path: /a, method: GET, handler: 5 }]",
            "routes: [{ path: /a, method: GET, handler: '' }]",
            "routes: [{ path: /a, method: GET, handler: [home] }]",
        ]

    private static func route(_ keys: String) -> String {
        "routes: [{ \(keys), handler: home }]"
    }

    /// What Python's jsonschema says: first whether the schema itself is in order, then about each manifest.
    static func verdicts(of schema: String, about corpus: [String]) throws -> [String] {
        let script = """
            import json, sys, yaml, jsonschema
            given = json.load(sys.stdin)
            schema = json.loads(given["schema"])
            jsonschema.Draft7Validator.check_schema(schema)
            said = ["schema valid"]
            for text in given["corpus"]:
                error = jsonschema.exceptions.best_match(
                    jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load(text)))
                said.append("valid" if error is None else error.message)
            json.dump(said, sys.stdout)
            """
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        // Debian's own Python, whose modules are packages of the system.
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", script]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let given = try JSONSerialization.data(withJSONObject: ["schema": schema, "corpus": corpus])
        // Python reads all of its input before it writes.
        try input.fileHandleForWriting.write(contentsOf: given)
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return try JSONSerialization.jsonObject(with: said) as? [String] ?? []
    }
}
