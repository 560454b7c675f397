import Foundation

/// Debian's Python, which finds Debian's python3-celery.
package enum Python {
    /// CELERY_TEST_PYTHON names another Python, with another version of Celery.
    package static let executable =
        ProcessInfo.processInfo.environment["CELERY_TEST_PYTHON"] ?? "/usr/bin/python3"

    /// A Python with a newer Celery from PyPI, which Tests/install-python-packages installs into
    /// .build/python.
    package static let newer: String = {
        let file = URL(fileURLWithPath: #filePath)
        let repository = file.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return repository.path + "/.build/python/bin/python3"
    }()

    package static func run(
        _ script: String, in folder: Folder, environment: [String: String] = [:],
        by executable: String = executable
    ) throws -> String {
        let name = "python-\(UUID().uuidString)"
        try folder.write(name + ".py", script)
        let daemon = try Daemon(
            executable, [name + ".py"], environment: environment, in: folder, log: name + ".log")
        try daemon.succeed()
        return daemon.says
    }

    /// The Celery application of the tests' workers and producers.
    package static let application = """
        import json, os, sys
        from celery import Celery
        app = Celery("app", broker=os.environ["BROKER"], backend=os.environ.get("BACKEND"))
        app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1, result_expires=600,
                        broker_transport_options=json.loads(os.environ.get("OPTIONS", "{}")))

        def echo(self, *args, **kwargs):
            request = self.request
            told = {"args": args, "kwargs": kwargs, "id": request.id, "retries": request.retries,
                    "eta": request.eta, "expires": request.expires, "timelimit": request.timelimit,
                    "root_id": request.root_id, "parent_id": request.parent_id, "origin": request.origin,
                    "request_id": getattr(request, "request_id", None), "lang": request.lang,
                    "correlation_id": request.correlation_id, "delivery_info": request.delivery_info,
                    "nested": getattr(request, "nested", None), "task": self.name}
            with open("told", "a") as file:
                file.write(json.dumps(told) + "\\n")
            return told

        for name in ("app.echo", "app.rerouted", "app.slow", "app.left"):
            app.task(name=name, bind=True)(echo)

        @app.task(name="app.fail")
        def fail(message):
            raise ValueError(message)

        """

    /// Starts a worker that runs the application.
    package static func worker(
        in folder: Folder, broker: String, backend: String? = nil, queues: String = "celery",
        options: String = "{}",
        log: String = "worker.log"
    ) throws -> Daemon {
        try folder.write("app.py", application)
        let daemon = try Daemon(
            executable,
            [
                "-m", "celery", "-A", "app", "worker", "--pool", "solo", "--loglevel", "info", "--queues",
                queues,
                "--without-gossip", "--without-mingle", "--without-heartbeat", "-n",
                "w\(UUID().uuidString)@localhost",
            ],
            environment: environment(broker, backend, options).merging(["C_FORCE_ROOT": "1"]) { $1 },
            in: folder, log: log)
        try waitUntil("the worker is ready: \(daemon.says)", within: .seconds(90)) {
            guard daemon.isRunning else { throw Unexpected("the worker has ended: \(daemon.says)") }
            return daemon.says.contains(" ready.")
        }
        return daemon
    }

    package static func environment(_ broker: String, _ backend: String?, _ options: String = "{}")
        -> [String:
        String]
    {
        var result = ["BROKER": broker, "OPTIONS": options]
        if let backend { result["BACKEND"] = backend }
        return result
    }

    /// Runs a script in which the application is `app`.
    package static func producer(
        _ script: String, in folder: Folder, broker: String, backend: String? = nil, options: String = "{}",
        by executable: String = executable
    ) throws -> String {
        try folder.write("app.py", application)
        // Without `os._exit`, results that are left at the interpreter's end may open connections, which fails then.
        return try run(
            """
            import os, sys
            from app import app
            \(script)
            sys.stdout.flush()
            os._exit(0)
            """, in: folder, environment: environment(broker, backend, options), by: executable)
    }
}
