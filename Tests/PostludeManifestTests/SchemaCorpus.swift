import Foundation
import PostludeSpawning

/// Small manifests about which the schema and the decoder must agree, and the result of an independent
/// validator.
enum SchemaCorpus {
    static let environment = [
        "WORKERS": "8", "LEVEL": "debug", "SIZE": "1m", "TIME": "1s", "PATH_": "/a",
        "METHOD": "GET", "VERSION": "1.0",
    ]

    static let valid =
        [
            "", "prefix: /api", "prefix: /api/v1", "shutdown-grace: 0s", "shutdown-grace: 250ms",
            "workers: { min: 1, max: 4096, reserved-for-requests: 0, idle-time: 1h }", "workers: {}",
            "limits: { head: 1024, body: 0, head-time: 1ms, read-time: 007s, write-time: 5m }",
            "limits: { head: 64k, body: 1GiB }", "limits: { body: '65536' }", "limits: { body: 100B }",
            "limits: { body: 8M }", "tasks: { warn: 1s, deadline: 2h }", "tasks: {}",
            "tasks: { max-queued: 1 }", "tasks: { max-queued: 1000000, when-full: leave }",
            "workers:\n  max: ${WORKERS}\n  min: ${MIN:-2}", "limits:\n  body: ${SIZE}",
            "limits: { body: '${SIZE}', read-time: '${TIME}' }", "prefix: ${PATH_}", "prefix: ${NONE:-/a}",
            "log: { level: '${LEVEL}', to: '.${PATH_}' }",
            "files: { root: '${PATH_}', internal: '${PATH_}/' }",
            "files: { root: /srv/files, internal: /protected/ }",
            "files: { root: /srv//./f/, internal: /a/b.c/ }",
            "task-store: { path: /srv/tasks.sqlite }", "task-store: { path: '${PATH_}', keep: 1h }",
            "task-store: { path: 'postgresql://shop@db.internal:5432/shop?sslmode=verify-full' }",
            "task-store: { path: service=shop }", "task-store: { path: 'host=/run/postgresql dbname=shop' }",
            "task-store: {}", "task-store: { keep: 168h }",
            "task-store: { path: /a/b, keep: 1ms, keep-failed: 8760h, lock-timeout: 30s }",
            "task-store: { path: /a, max-answers: 64MiB }", "task-store: { path: /a, max-answers: 1048576 }",
            "celery: { broker: 'amqp://guest@localhost:5672//' }",
            "celery: { broker: '${PATH_}', results: 'redis://localhost/1' }",
            "durable-tasks: {}", "durable-tasks: { A: {}, b c: { priority: low } }",
            "durable-tasks: { A: { attempts: 1000, delay: 0s, factor: 1, maximum-delay: 1h, jitter: 0 } }",
            "durable-tasks: { A: { factor: 1.5, jitter: 1.0, deadline: 1ms, expiry: 1h, priority: high } }",
            "durable-tasks: { A: { delay: '${TIME}', priority: '${PRIORITY:-low}', runs: '${PLACE:-here}' } }",
            "durable-tasks: { A: { running: 3, per: customer, rate: 25/s, order: strict } }",
            "durable-tasks: { A: { rate: 01000000/h, order: '${ORDER:-free}', running: 100000 } }",
            "durable-tasks: { A: { runs: here } }", "durable-tasks: { A: { runs: { celery: '${LEVEL}' } } }",
            "durable-tasks: { A: { rerouting: { celery: slow, when: [deadline, shutdown] } } }",
            "durable-tasks: { A: { rerouting: { celery: slow } } }", "schedules: {}",
            "schedules: { a_1.b-c: { cron: 0 3 * * *, task: A } }",
            "schedules: { a: { cron: '@daily', task: A, time-zone: Europe/Paris, overlap: run } }",
            "schedules: { a: { cron: '${PATH_}', task: A, arguments: { a: [1, -2.5e3, {}], b: null } } }",
            "uploads: {}", "uploads: { folder: /srv }", "uploads: { folder: /a..b/...}", "openapi: {}",
            "openapi: { title: Shop, version: 1.2.0, description: text }", "openapi: { version: 1.0 }",
            "openapi: { version: 2 }", "openapi: { version: '${VERSION}', title: '${LEVEL}' }",
            "openapi: { document: /openapi.json, page: /docs }", "openapi: { document: /a%20b }",
            "openapi: { document: '/doc${PATH_}' }", "log: { to: '/$${a}$${PATH_}$${x$' }",
            "log: { to: '.$PATH${PATH_}' }", "log: { to: '.${PATH_}/$${a}$' }",
            "listen: /run/a.sock", "listen: ./a.sock", "listen: localhost:9000", "listen: '[::1]:65535'",
            "listen: '[fe80::1%eth0]:80'", "listen: '${PATH_}'", "listen: {}",
            "listen: { address: /a, owner: www-data, group: 33, mode: '0660', backlog: 1 }",
            "listen: { mode: '660', allow-users: [root, 0, 'host$'] }", "listen: { owner: '${LEVEL}' }",
            "listen: { allow: [127.0.0.1, 10.0.0.0/8, '::1', 'fd00::/8', '::ffff:10.0.0.1'] }",
            "listen: { allow: ['${NET:-10.0.0.0/8}'] }", "processes: {}",
            "processes: { count: 1024, max-requests: 1, max-memory: 1g }", "processes: { watchdog: 3000ms }",
            "processes: { watchdog: 03s }", "processes: { watchdog: 12s }", "processes: { watchdog: 1m }",
            "overload: {}", "overload: { when-busy: wait }",
            "overload: { when-busy: refuse, wait: 0s, retry-after: 2000ms }", "status: /run/s.sock",
            "status: 127.0.0.1:9001", "status: { listen: /a, owner: 0, group: adm, mode: '0600' }",
            "status: { listen: /a, task-actions: true }", "status: { listen: /a, problems: {} }",
            "status: { listen: /a, viewers: [ada, 'CN=Bob,O=Shop', 'a b'], operators: ['${NAME_:-cäcilie}'] }",
            "status: { listen: /a, user-header: X-Groups-2 }",
            "status: { listen: /a, problems: { dead-letters: 3, outage: 1m, restarts: 1000000000 } }",
            "status: { listen: /a, problems: { oldest-task: 1ms, busy-time: '${TIME}', errors: 5% } }",
            "status: { listen: /a, problems: { errors: 0.01% } }",
            "status: { listen: /a, problems: { errors: 100.00% } }",
            "status: { listen: /a, problems: { errors: 007.5% } }",
            "limits: { event-streams: 1 }", "limits: { event-streams: 60000 }",
            "limits: { request-timeout: 30s, slow-time: 5s, kill-time: 60s }", "tasks: { kill-time: 2h }",
            "log: { to: syslog }", "log: { to: journald, access: json }",
            "log: { access: '$remote_addr $status' }",
            "log: { access: '$${status}' }", "log: { access: '${NONE:-json}' }", "log: { access: {} }",
            "log: { access: { to: /a/b.log, format: $status } }",
            "log: { level: trace, to: stderr }", "log: { to: /var/log/app.log }", "log: { to: ./app.log }",
        ].map(manifest)
        + [
            "path: /, method: GET", "path: '/items/{id:int}', methods: [GET, POST]",
            "regex: ^/a$, method: M-SEARCH",
            "path: /a, method: GET, limits: { body: 1k, read-time: 1s, write-time: 1s }",
            "path: /a, method: GET, tasks: { warn: 1s, deadline: 1m }, limits: {}",
            "path: /a, method: GET, limits: { request-timeout: 1s, slow-time: 1s, kill-time: 1s }",
            "path: /a, method: GET, tasks: { kill-time: 1m }",
            "path: /a, method: GET, tasks: { max-queued: 10, when-full: refuse }",
            "path: /a, method: GET, summary: a, description: b, tags: [a, b], deprecated: true",
            "path: /a, method: GET, deprecated: false", "path: '${PATH_}', method: '${METHOD}'",
            "path: '/b${PATH_}', methods: ['${METHOD}', PUT]",
            "regex: ^/a$, method: GET, deprecated: true",
            "path: /a, method: GET, operation-id: show.Order_1-b",
            "path: /a, method: GET, operation-id: '${METHOD}'",
            "path: /, method: GET, middleware: [audit, signed-in]",
            "path: /, method: POST, idempotency: {}",
            "path: /, methods: [PUT, DELETE], idempotency: { key: required, keep: 24h }",
            "path: /, method: PATCH, idempotency: { key: '${KEY:-optional}', keep: '${TIME}' }",
        ].map(route)
        + [
            "routes: [{ routes: [{ path: /a, method: GET, handler: home }] }]",
            "routes: [{ prefix: /b, middleware: [audit], limits: { body: 1k }, tasks: { warn: 1s }, routes: "
                + "[{ prefix: /c, routes: [{ path: /a, method: GET, handler: home }] }] }]",
            "routes: [{ idempotency: { key: required }, routes: [{ path: /a, method: GET, handler: home }] }]",
        ]

    static let invalid =
        [
            "prefix: ${PATH_}${", "prefix: $$${PATH_}", "prefix: api", "prefix: /api/", "prefix: /",
            "prefix: '/{a}'", "prefix: 5", "prefix: null",
            "unknown: 1",
            "prefix: true", "prefix: ''",
            "listen: 9000", "listen: a.sock", "listen: /run/", "listen: localhost", "listen: localhost:0",
            "listen: localhost:65536", "listen: ::1:9000", "listen: '[a:80'", "listen: [/a]", "listen:",
            "listen: { address: 9000 }", "listen: { owner: 'a b' }", "listen: { owner: '' }",
            "listen: { group: -1 }", "listen: { group: 4294967295 }", "listen: { group: true }",
            "listen: { mode: 660 }", "listen: { mode: '0680' }", "listen: { mode: '01660' }",
            "listen: { mode: rw }", "listen: { backlog: 0 }", "listen: { backlog: 65536 }",
            "listen: { allow: 127.0.0.1 }", "listen: { allow: [] }", "listen: { allow: [localhost] }",
            "listen: { allow: [10.0.0.0/33] }", "listen: { allow: ['::/129'] }", "listen: { allow: [1] }",
            "listen: { allow-users: root }", "listen: { allow-users: [] }",
            "listen: { allow-users: ['a:b'] }",
            "listen: { port: 80 }", "processes: 2", "processes: { count: 0 }", "processes: { count: auto }",
            "processes: { watchdog: 2s }", "processes: { watchdog: 2999ms }", "processes: { watchdog: 0m }",
            "processes: { max-requests: 0 }", "processes: { max-memory: 1 }",
            "processes: { max-memory: big }", "processes: { restart-limit: 3 }",
            "processes: { max: 2 }", "overload: refuse",
            "overload: { when-busy: drop }", "overload: { wait: 1s }", "overload: { retry-after: 1s }",
            "overload: { when-busy: refuse, wait: 1 }", "overload: { when-busy: refuse, retry-after: 0s }",
            "overload: { when-busy: refuse, retry-after: 1500ms }", "status: true", "status: {}",
            "status: { owner: root }", "status: { listen: here }", "status: { listen: /a, backlog: 1 }",
            "status: { listen: /a, task-actions: 1 }", "status: { listen: /a, problems: 1 }",
            "status: { listen: /a, viewers: [] }", "status: { listen: /a, viewers: ada }",
            "status: { listen: /a, operators: [' ada'] }", "status: { listen: /a, operators: ['ada '] }",
            "status: { listen: /a, operators: [''] }", "status: { listen: /a, operators: [7] }",
            "status: { listen: /a, operators: [\"a\\tb\"] }", "status: { listen: /a, user-header: '' }",
            "status: { listen: /a, user-header: 'X_User' }", "status: { listen: /a, user-header: [X-User] }",
            "status: { problems: {} }", "status: { listen: /a, problems: { dead-letters: 0 } }",
            "status: { listen: /a, problems: { outage: 0s } }",
            "status: { listen: /a, problems: { outage: 5 } }",
            "status: { listen: /a, problems: { restarts: 1000000001 } }",
            "status: { listen: /a, problems: { errors: 0% } }",
            "status: { listen: /a, problems: { errors: 0.00% } }",
            "status: { listen: /a, problems: { errors: 101% } }",
            "status: { listen: /a, problems: { errors: 100.01% } }",
            "status: { listen: /a, problems: { errors: 0.05 } }",
            "status: { listen: /a, problems: { errors: 0.005% } }",
            "status: { listen: /a, problems: { workers: 1 } }",
            "limits: { event-streams: 0 }", "limits: { event-streams: 60001 }",
            "limits: { event-streams: 1k }",
            "limits: { request-timeout: 0s }", "limits: { slow-time: 5 }", "limits: { kill-time: never }",
            "tasks: { kill-time: 0ms }", "log: { access: text }", "log: { access: true }",
            "log: { access: [json] }", "log: { access: { to: json } }", "log: { access: { format: text } }",
            "log: { access: { level: info } }", "log: { access: \"$status\\n$status\" }",
            "workers: 4", "workers: []", "workers:", "workers: { min: 0 }", "workers: { max: 4097 }",
            "workers: { min: '4' }", "workers: { min: 1.5 }", "workers: { reserved-for-requests: -1 }",
            "workers: { idle-time: 30 }", "workers: { idle-time: 0s }", "workers: { idle: 30s }",
            "shutdown-grace: 30", "shutdown-grace: 1d", "shutdown-grace: 1.5s", "shutdown-grace: 1m30s",
            "shutdown-grace: -1s", "shutdown-grace: 5 s", "shutdown-grace: [5s]", "limits: { head: 1023 }",
            "limits: { head: 16777217 }", "limits: { body: -1 }", "limits: { body: 1MB }",
            "limits: { body: 1.5 }",
            "limits: { body: }", "limits: { body: true }", "limits: { body: [1] }", "limits: { body: '' }",
            "limits: { read-time: 0ms }", "tasks: { warn: soon }", "tasks: { deadline: never }",
            "tasks: { warm: 1s }", "tasks: { max-queued: 0 }", "tasks: { when-full: run }",
            "tasks: { max-queued: 1, when-full: wait }",
            "log: { level: loud }", "log: { level: INFO }", "log: { to: stdout }", "log: { to: app.log }",
            "log: { to: /var/log/ }", "log: { to: 2 }", "log: debug",
            "workers:\n  max: ${WORKERS", "workers:\n  max: ${}", "workers:\n  max: ${1A}",
            "workers:\n  max: $WORKERS",
            "workers:\n  max: $${WORKERS}", "log: { level: '${LEVEL:debug}' }",
            "limits: { body: '${SIZE:-${TIME}}' }",
            "${LEVEL}: 1", "files: {}", "files: /srv", "files: { root: /srv }", "files: { internal: /a/ }",
            "files: { root: srv, internal: /a/ }", "files: { root: /, internal: /a/ }",
            "files: { root: /srv/../etc, internal: /a/ }", "files: { root: /srv/.., internal: /a/ }",
            "files: { root: /., internal: /a/ }", "files: { root: '', internal: /a/ }",
            "files: { root: /srv, internal: /a }", "files: { root: /srv, internal: a/ }",
            "files: { root: /srv, internal: / }", "files: { root: /srv, internal: /a//b/ }",
            "files: { root: /srv, internal: /../ }", "files: { root: /srv, internal: /a b/ }",
            "files: { root: /srv, internal: '/a?b/' }", "files: { root: /srv, internal: /%61/ }",
            "files: { root: /srv, internal: /ä/ }", "files: { root: /srv, internal: \"/a\\r\\nb/\" }",
            "files: { root: 1, internal: /a/ }", "files: { root: /srv, internal: /a/, alias: /b/ }",
            "task-store: /srv/tasks.sqlite", "task-store: { keep: 7 }",
            "task-store: { path: a }", "task-store: { path: 'mysql://a/b' }", "task-store: { path: '=a' }",
            "task-store: { path: /a, keep: 0s }", "task-store: { path: /a, keep: 7d }",
            "task-store: { path: /a, max: 1 }", "task-store: { path: /a, max-answers: 1 }",
            "task-store: { path: /a, max-answers: all }", "task-store: { path: /a, max-answers: 0 }",
            "celery: amqp://localhost", "celery: {}", "celery: { results: 'redis://a' }",
            "celery: { broker: '' }",
            "celery: { broker: 5 }", "celery: { broker: [a] }", "celery: { broker: {} }",
            "celery: { broker: { environment: A } }", "celery: { broker: a, queue: b }",
            "durable-tasks: []", "durable-tasks: { A: }", "durable-tasks: { A: 5 }", "durable-tasks:",
            "durable-tasks: { A: { attempts: 0 } }", "durable-tasks: { A: { attempts: '5' } }",
            "durable-tasks: { A: { attempts: 1001 } }", "durable-tasks: { A: { delay: 1 } }",
            "durable-tasks: { A: { factor: 0.5 } }", "durable-tasks: { A: { factor: 101 } }",
            "durable-tasks: { A: { factor: '2' } }", "durable-tasks: { A: { factor: .inf } }",
            "durable-tasks: { A: { factor: true } }", "durable-tasks: { A: { jitter: -0.1 } }",
            "durable-tasks: { A: { jitter: 1.1 } }", "durable-tasks: { A: { maximum-delay: 0s } }",
            "durable-tasks: { A: { deadline: 0s } }", "durable-tasks: { A: { expiry: 1d } }",
            "durable-tasks: { A: { priority: middle } }", "durable-tasks: { A: { priority: 1 } }",
            "durable-tasks: { A: { running: 0 } }", "durable-tasks: { A: { running: 100001 } }",
            "durable-tasks: { A: { running: '3' } }", "durable-tasks: { A: { rate: 25 } }",
            "durable-tasks: { A: { rate: 0/s } }", "durable-tasks: { A: { rate: 1000001/s } }",
            "durable-tasks: { A: { rate: 25/d } }", "durable-tasks: { A: { rate: 2.5/s } }",
            "durable-tasks: { A: { per: '' } }", "durable-tasks: { A: { per: 5 } }",
            "durable-tasks: { A: { per: 'a\"b' } }", "durable-tasks: { A: { order: first } }",
            "durable-tasks: { A: { runs: there } }", "durable-tasks: { A: { runs: {} } }",
            "durable-tasks: { A: { runs: { celery: '' } } }", "durable-tasks: { A: { runs: { queue: a } } }",
            "durable-tasks: { A: { rerouting: slow } }",
            "durable-tasks: { A: { rerouting: { when: [attempts] } } }",
            "durable-tasks: { A: { rerouting: { celery: a, when: [] } } }",
            "durable-tasks: { A: { rerouting: { celery: a, when: attempts } } }",
            "durable-tasks: { A: { rerouting: { celery: a, when: [attempts, attempts] } } }",
            "durable-tasks: { A: { rerouting: { celery: a, when: [always] } } }",
            "durable-tasks: { A: { retries: 5 } }", "schedules: []", "schedules: { a: }",
            "schedules: { a: '@daily' }", "schedules: { a: { task: A } }",
            "schedules: { a: { cron: '@daily' } }",
            "schedules: { a: { cron: 5, task: A } }", "schedules: { a: { cron: '', task: A } }",
            "schedules: { a: { cron: '@daily', task: '' } }",
            "schedules: { a b: { cron: '@daily', task: A } }",
            "schedules: { a: { cron: '@daily', task: A, time-zone: 1 } }",
            "schedules: { a: { cron: '@daily', task: A, overlap: wait } }",
            "schedules: { a: { cron: '@daily', task: A, arguments: [1] } }",
            "schedules: { a: { cron: '@daily', task: A, args: {} } }",
            "uploads: /srv", "uploads: { folder: srv }", "uploads: { folder: /a/.. }", "uploads: { folder: }",
            "uploads: { folder: / }", "uploads: { size: 1 }", "openapi: Shop", "openapi: { title: 1 }",
            "openapi: { title: '' }", "openapi: { title: ' ' }", "openapi: { version: true }",
            "openapi: { version: }", "openapi: { version: '' }", "openapi: { version: [1] }",
            "openapi: { description: 5 }", "openapi: { page: /docs }", "openapi: { document: docs }",
            "openapi: { document: '/{a}' }", "openapi: { document: '/a?b' }", "openapi: { document: '/a#b' }",
            "openapi: { document: '/a b' }", "openapi: { document: /a, page: true }", "openapi: { path: /a }",
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
            "path: /a, method: GET, name: a", "path: /a, method: GET, summary: 5",
            "path: /a, method: GET, summary: ''", "path: /a, method: GET, description: []",
            "path: /a, method: GET, tags: a", "path: /a, method: GET, tags: []",
            "path: /a, method: GET, tags: [a, a]", "path: /a, method: GET, tags: [5]",
            "path: /a, method: GET, tags: ['']", "path: /a, method: GET, deprecated: 1",
            "path: /a, method: GET, operation-id: 5", "path: /a, method: GET, operation-id: ''",
            "path: /a, method: GET, operation-id: show order", "path: /a, method: GET, operation-id: [a]",
            "path: /a, method: GET, deprecated: 'true'", "path: /a, method: GET, deprecated: maybe",
            "path: /a, method: GET, deprecated:", "path: /a, method: GET, middleware: audit",
            "path: /a, method: GET, middleware: []", "path: /a, method: GET, middleware: [5]",
            "path: /a, method: GET, middleware: [audit, audit]",
            "path: /a, method: POST, idempotency: required", "path: /a, method: POST, idempotency:",
            "path: /a, method: POST, idempotency: { key: never }",
            "path: /a, method: POST, idempotency: { key: true }",
            "path: /a, method: POST, idempotency: { keep: 0s }",
            "path: /a, method: POST, idempotency: { keep: 1d }",
            "path: /a, method: POST, idempotency: { max: 1 }", "path: /a, method: GET, idempotency: {}",
            "path: /a, methods: [POST, HEAD], idempotency: { key: required }",
        ].map(route)
        + [
            "routes: []", "routes: {}", "routes:", "prefix: /a", "[]", "text", "routes: [a]",
            "routes: [{ path: /a, method: GET }]", "routes: [{ path: /a, method: GET, handler: 5 }]",
            "routes: [{ path: /a, method: GET, handler: '' }]",
            "routes: [{ path: /a, method: GET, handler: [home] }]", "routes: [{ routes: [] }]",
            "routes: [{ prefix: b, routes: [{ path: /a, method: GET, handler: home }] }]",
            "routes: [{ path: /b, routes: [{ path: /a, method: GET, handler: home }] }]",
            "routes: [{ limits: { head: 1k }, routes: [{ path: /a, method: GET, handler: home }] }]",
        ]

    private static func route(_ keys: String) -> String {
        "routes: [{ \(keys), handler: home }]"
    }

    /// The output of Python's jsonschema: first whether the schema itself is valid, then whether each
    /// manifest is.
    static func results(of schema: String, about corpus: [String]) throws -> [String] {
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
        let (input, output) = (Pipe(), Pipe())
        // Debian's own Python, which finds the system's modules.
        let process = try Program("/usr/bin/python3", ["-c", script]).start(
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor, errors: 2)
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
        let given = try JSONSerialization.data(withJSONObject: ["schema": schema, "corpus": corpus])
        // Python reads all of its input before it writes.
        try input.fileHandleForWriting.write(contentsOf: given)
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        _ = process.waitForExit()
        return try JSONSerialization.jsonObject(with: said) as? [String] ?? []
    }
}
