import HTTPTypes
import Logging
import PostludeManifest
import PostludeRouting
import Testing

@Suite("Decoding a manifest")
struct ManifestDecoderTests {
    @Test("A manifest with nothing but routes has the defaults")
    func defaults() throws {
        let manifest = try parse(manifest(""))
        #expect(manifest.prefix == "")
        #expect(manifest.workers == Manifest.Workers())
        #expect(manifest.workers.minimum == 4)
        #expect(manifest.workers.maximum == 64)
        #expect(manifest.workers.reservedForRequests == 1)
        #expect(manifest.workers.idleTime == .seconds(30))
        #expect(manifest.limits.head == 65_536)
        #expect(manifest.limits.body == 1_048_576)
        #expect(manifest.limits.headTime == .seconds(10))
        #expect(manifest.limits.readTime == .seconds(60))
        #expect(manifest.limits.writeTime == .seconds(60))
        #expect(manifest.tasks.warn == .seconds(30))
        #expect(manifest.tasks.deadline == nil)
        #expect(manifest.shutdownGrace == .seconds(30))
        #expect(manifest.log.level == .info)
        #expect(manifest.log.destination == .standardError)
        #expect(manifest.files == nil)
        #expect(manifest.uploads.folder == "/var/tmp")
        #expect(manifest.openAPI == Manifest.OpenAPI())
        #expect(manifest.openAPI.title == "API")
        #expect(manifest.openAPI.version == "1.0.0")
        #expect(manifest.openAPI.description == nil)
        #expect(manifest.openAPI.document == nil)
        #expect(manifest.openAPI.page == nil)
        #expect(manifest.routes[0].summary == nil)
        #expect(manifest.routes[0].description == nil)
        #expect(manifest.routes[0].tags == [])
        #expect(!manifest.routes[0].deprecated)
    }

    @Test("Every key is decoded")
    func complete() throws {
        let manifest = try parse(
            """
            prefix: /api
            workers: { min: 2, max: 8, reserved-for-requests: 0, idle-time: 1500ms }
            limits: { head: 16k, body: 2MiB, head-time: 1s, read-time: 2m, write-time: 3h }
            tasks: { warn: 5s, deadline: 5m }
            shutdown-grace: 0s
            log: { level: debug, to: /var/log/app.log }
            files: { root: /srv/files, internal: /protected/ }
            uploads: { folder: /srv/uploads }
            openapi:
              title: Shop
              version: 1.0
              description: Sells things.
              document: /openapi.json
              page: /docs
            routes:
              - path: /process/{item_id:int}
                methods: [POST, PUT]
                handler: process-item
                operation-id: process.item_1
                summary: Processes an item.
                description: Once.
                tags: [items, work]
                deprecated: true
              - regex: ^/legacy/(?<id>\\d+)$
                method: GET
                handler: home
            """)
        #expect(manifest.prefix == "/api")
        #expect(manifest.workers.minimum == 2)
        #expect(manifest.workers.maximum == 8)
        #expect(manifest.workers.reservedForRequests == 0)
        #expect(manifest.workers.idleTime == .milliseconds(1500))
        #expect(manifest.limits.head == 16_384)
        #expect(manifest.limits.body == 2 << 20)
        #expect(manifest.limits.headTime == .seconds(1))
        #expect(manifest.limits.readTime == .seconds(120))
        #expect(manifest.limits.writeTime == .seconds(10_800))
        #expect(manifest.tasks.warn == .seconds(5))
        #expect(manifest.tasks.deadline == .seconds(300))
        #expect(manifest.shutdownGrace == .zero)
        #expect(manifest.log.level == .debug)
        #expect(manifest.log.destination == .file("/var/log/app.log"))
        #expect(manifest.files?.root == "/srv/files")
        #expect(manifest.files?.internal == "/protected/")
        #expect(manifest.uploads.folder == "/srv/uploads")
        #expect(manifest.openAPI.title == "Shop")
        #expect(manifest.openAPI.version == "1.0")
        #expect(manifest.openAPI.description == "Sells things.")
        #expect(manifest.openAPI.document == "/api/openapi.json")
        #expect(manifest.openAPI.page == "/api/docs")
        #expect(manifest.routes.map(\.operationID) == ["process.item_1", nil])
        #expect(manifest.routes[0].summary == "Processes an item.")
        #expect(manifest.routes[0].description == "Once.")
        #expect(manifest.routes[0].tags == ["items", "work"])
        #expect(manifest.routes.map(\.deprecated) == [true, false])
        #expect(manifest.routes.map(\.methods) == [[.post, .put], [.get]])
        #expect(manifest.routes.map(\.handler) == ["process-item", "home"])
        #expect(manifest.routes[0].pattern.text == "/api/process/{item_id:int}")
        #expect(manifest.routes.map(\.location.description) == ["routes.yaml:16:5", "routes.yaml:24:5"])
    }

    @Test("A route's limits and tasks override the manifest's")
    func merged() throws {
        let manifest = try parse(
            """
            limits: { head: 8k, body: 2m, read-time: 5s }
            tasks: { warn: 1m, deadline: 2m }
            routes:
              - { path: /a, method: GET, handler: home, limits: { body: 1k }, tasks: { warn: 1s } }
              - { path: /b, method: GET, handler: home }
            """)
        #expect(manifest.routes[0].limits.body == 1024)
        #expect(manifest.routes[0].limits.head == 8192)
        #expect(manifest.routes[0].limits.readTime == .seconds(5))
        #expect(manifest.routes[0].tasks.warn == .seconds(1))
        #expect(manifest.routes[0].tasks.deadline == .seconds(120))
        #expect(manifest.routes[1].limits == manifest.limits)
        #expect(manifest.routes[1].tasks == manifest.tasks)
    }

    @Test("A small max lowers the defaults of min and of reserved-for-requests")
    func smallMaximum() throws {
        let workers = try parse(manifest("workers: { max: 1 }")).workers
        #expect(workers.minimum == 1)
        #expect(workers.reservedForRequests == 0)
        #expect(try parse(manifest("workers: { max: 2 }")).workers.reservedForRequests == 1)
    }

    @Test(
        "A manifest without content or without routes is refused",
        arguments: [
            ("", "1:1: found no content, expected a mapping with the key routes"),
            ("# nothing\n", "1:1: found no content, expected a mapping with the key routes"),
            ("---\n~\n", "2:1: found no content, expected a mapping with the key routes"),
            ("prefix: /a\n", "1:1: the manifest has no `routes`, expected a list of routes"),
            ("routes: []\n", "1:9: found an empty list for `routes`, expected at least one of its routes"),
            ("routes:\n", "1:8: found nothing for `routes`, expected a list of routes"),
            (
                "- routes\n",
                "1:1: found a list for the manifest, expected a mapping with the keys prefix, "
                    + "listen, processes, workers, overload, limits, "
                    + "tasks, shutdown-grace, log, status, files, uploads, task-store, "
                    + "durable-tasks, schedules, celery, openapi or routes"
            ),
            (
                "routes: [a]\n",
                "1:10: found `a` for a route, expected a mapping with the keys path, regex, method, methods, "
                    + "handler, middleware, limits, tasks, idempotency, operation-id, summary, description, "
                    + "tags or deprecated"
            ),
        ])
    func noRoutes(yaml: String, expected: String) {
        #expect(mistakes(yaml) == ["routes.yaml:" + expected])
    }

    @Test(
        "A prefix must be able to begin a path",
        arguments: [
            ("prefix: api", "1:9: the prefix `api` does not begin with `/`, expected a path such as /api"),
            ("prefix: /api/", "1:9: the prefix `/api/` ends with `/`, expected a path such as /api"),
            ("prefix: /", "1:9: the prefix `/` ends with `/`, expected a path such as /api"),
            ("prefix: /{a}", "1:9: the prefix `/{a}` has a parameter, expected a path such as /api"),
            (
                "prefix: 5",
                "1:9: found the number 5 for `prefix`, expected a path such as /api, in quotes "
                    + "if it is meant as text"
            ),
        ])
    func prefix(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }

    @Test("A mistake's position is right after comments, in flow style and in files with CR LF")
    func positions() {
        let comment = "# first\n\n   # second\nworkers:   # third\n  # fourth\n  min: 0 # fifth"
        let expected = "found the number 0 for `min`, expected a whole number from 1 to 4096"
        #expect(mistakes(manifest(comment)) == ["routes.yaml:6:8: \(expected)"])
        #expect(mistakes(manifest("workers: {\n  max: 8,\n  min: 0 }")) == ["routes.yaml:3:8: \(expected)"])
        let windows = manifest(comment).replacing("\n", with: "\r\n")
        #expect(mistakes(windows) == ["routes.yaml:6:8: \(expected)"])
        #expect(mistakes("\u{FEFF}" + manifest("workers: { min: 0 }")) == ["routes.yaml:1:17: \(expected)"])
        #expect(mistakes(manifest("# 😀é\n\"workers\": { min: 0 }")) == ["routes.yaml:2:19: \(expected)"])
    }
}
