import Foundation
import PostludeBrokerFixtures
import Testing

extension CeleryTests {
    @Suite("The work command") struct WorkTests {
        @Test(
            "Python calls tasks in Swift by name and gets their results",
            arguments: BrokerProcesses.Kind.allCases)
        func fromPython(kind: BrokerProcesses.Kind) throws {
            let processes = try BrokerProcesses(kind)
            let work = try processes.work("swift")
            let lines = try processes.produce(
                """
                def call(name="Note", args=(), expires=60, **kwargs):
                    result = app.send_task(name, args=args, kwargs=kwargs, queue="swift", expires=expires,
                                           headers={"request_id": "r-1"})
                    try:
                        value = result.get(timeout=30)
                        print(value["id"] == result.id, value["label"], value["request"])
                    except Exception as error:
                        print(type(error).__name__, str(error)[:60])

                call(label="a", number=1)
                call(label="b", number=2, failures=2)
                call(label="c", number=3, failures=3)
                call(name="Unknown")
                call(args=[1])
                call(label="d")
                call(label="e", number=4, expires=-5)
                """)
            #expect(
                lines.prefix(4) == [
                    "True a r-1", "True b r-1", "Wrong Wrong()",
                    "NotRegistered this program has no durable task called Unknown",
                ])
            #expect(lines.dropFirst(4).prefix(2).allSatisfy { $0.hasPrefix("TypeError") }, "\(lines)")
            #expect(lines.last?.hasPrefix("TaskRevokedError") == true, "\(lines)")
            try work.logLine(
                holding: "error", "a task has failed for good, and its message is rejected", "Note")
            try work.logLine(holding: "a task cannot run here", "positional arguments")
            try work.logLine(holding: "a task has expired")
            #expect(try work.end() == .status(0))
            let taskStore = processes.folder.events()
            #expect(taskStore == ["started", "a 1", "b 2", "Note failed after 3", "stopped"])
            if kind == .redis {
                let redis = try Servers.redisServer()
                #expect(try redis.command("LLEN", "postlude:rejected:swift") == "4")
                #expect(try redis.command("KEYS", "postlude:taken:*").isEmpty)
            }
        }

        @Test(
            "Refused tasks, and results that Celery cannot read, are a FAILURE that says why",
            arguments: BrokerProcesses.Kind.allCases)
        func failures(kind: BrokerProcesses.Kind) throws {
            let processes = try BrokerProcesses(kind)
            let work = try processes.work("refused")
            let lines = try processes.produce(
                """
                from celery import chain, chord
                def told(result):
                    try:
                        return str(result.get(timeout=30))
                    except Exception as error:
                        return type(error).__module__ + "." + type(error).__name__ + ": " + str(error)

                note = app.signature("Note", kwargs={"label": "x", "number": 1}, queue="refused")
                def send(name="Note", kwargs={"label": "x", "number": 1}, **options):
                    return app.send_task(name, kwargs=kwargs, queue="refused", **options)

                print(told(send(serializer="pickle")))
                print(told(send(compression="gzip")))
                print(told(send(link=note)))
                last = chain(note, note, note).apply_async()
                print(told(last.parent.parent), last.parent.state, last.state)
                print(told(chord([note, note])(note)))
                for kind in ["unreadable", "large"]:
                    print(told(send("Answer", kwargs={"kind": kind})))
                print(send(kwargs={"label": "y", "number": 2}).get(timeout=30)["label"])
                """)
            let refused =
                "celery.exceptions.InvalidTaskError: the queue refused has rejected the task: "
            let expected = [
                refused + #"its content type is "application/x-python-serialize""#,
                refused + "it is compressed", refused + "it asks for callbacks",
                refused + "it asks for chain",
                refused + "it asks for chord",
                "kombu.exceptions.EncodeError: the task has succeeded, but the result was not stored",
                "kombu.exceptions.EncodeError: the task has succeeded, but the result was not stored",
                "y",
            ]
            #expect(lines.count == expected.count, "\(lines)")
            for (line, start) in zip(lines, expected) { #expect(line.hasPrefix(start), "\(line)") }
            #expect(lines[3].hasSuffix(" FAILURE FAILURE"), "\(lines[3])")
            #expect(lines[5].contains("__type__"), "\(lines[5])")
            #expect(lines[6].contains("at most"), "\(lines[6])")
            try work.logLine(holding: "error", "a message cannot be read, and is rejected", "chain")
            try work.logLine(holding: "error", "a task's result could not be stored", "__type__")
            #expect(try work.end() == .status(0))
            // The succeeded task is over, and the refused ones were not run.
            #expect(
                processes.folder.events()
                    == ["started", "answer unreadable", "answer large", "y 2", "stopped"])
            if kind == .rabbitMQ {
                let left = try Servers.rabbit().control("list_queues", "name", "messages")
                #expect(left.contains("refused\t0"), "\(left)")
            } else {
                #expect(try Servers.redisServer().command("KEYS", "postlude:taken:*").isEmpty)
            }
        }

        @Test(
            "A task that Celery 5.5 delays at RabbitMQ, for a quorum queue, arrives without a worker in Python"
        )
        func delayedDelivery() throws {
            let processes = try BrokerProcesses(.rabbitMQ)
            let settings = """
                from kombu import Exchange, Queue
                from kombu.transport import native_delayed_delivery as delayed
                queue = Queue("late", Exchange("late", type="topic"), routing_key="late",
                              queue_arguments={"x-queue-type": "quorum"})
                app.conf.update(task_queues=[queue], broker_transport_options={"confirm_publish": True})

                """
            _ = try processes.produce(
                settings + "with app.connection() as connection: queue(connection).declare()",
                by: Python.newer)
            let work = try processes.work("late")
            try work.logLine(holding: "tasks that Celery delays at the broker come to this queue", "late")
            let lines = try processes.produce(
                settings + """
                    result = app.send_task("Note", kwargs={"label": "a", "number": 1}, queue="late", countdown=1)
                    print(result.get(timeout=60)["id"] == result.id)
                    # As `work` has made it a worker in Python finds it.
                    with app.connection() as connection:
                        delayed.declare_native_delayed_delivery_exchanges_and_queues(connection, "quorum")
                        delayed.bind_queue_to_native_delayed_delivery_exchange(connection, queue)
                    # Bound twice, it still comes once.
                    app.send_task("Note", kwargs={"label": "b", "number": 2}, queue="late", countdown=1).get(timeout=60)
                    """, by: Python.newer)
            #expect(lines == ["True"])
            #expect(try work.end() == .status(0))
            #expect(processes.folder.events() == ["started", "a 1", "b 2", "stopped"])
        }

        @Test("Dates and UUIDs of Python are Swift's, and are returned in ISO 8601 and in lower case")
        func dates() throws {
            let processes = try BrokerProcesses(.redis)
            let work = try processes.work("swift")
            let lines = try processes.produce(
                """
                from datetime import datetime, timedelta, timezone
                from uuid import UUID

                id = UUID("e621e1f8-c36c-495a-93fc-0c247a3e6e5f")
                noon = datetime(2030, 1, 31, 12, 0, 0, 250000)
                paris = timezone(timedelta(hours=1))
                for at in [noon, noon.replace(tzinfo=timezone.utc), noon.replace(hour=13, tzinfo=paris)]:
                    for kwargs in [dict(at=at, id=id), dict(at=at.isoformat(), id=str(id))]:
                        result = app.send_task("Remind", kwargs=kwargs, queue="swift", expires=60)
                        value = result.get(timeout=30)
                        read = datetime.fromisoformat(value["at"].replace("Z", "+00:00"))
                        print(value["at"], read == noon.replace(tzinfo=timezone.utc), value["id"])
                """)
            let expected = "2030-01-31T12:00:00.250Z True e621e1f8-c36c-495a-93fc-0c247a3e6e5f"
            #expect(lines == Array(repeating: expected, count: 6))
            #expect(try work.end() == .status(0))
        }

        @Test("Durable tasks for a queue run in another process of the program")
        func fromSwift() throws {
            let processes = try BrokerProcesses(.redis)
            let work = try processes.work("swift")
            try processes.serve { server in
                _ = try server.add("/add?label=a&count=3&task=Note")
                let lines = try processes.folder.events(reaches: 5)
                #expect(Set(lines.suffix(3)) == ["a 1", "a 2", "a 3"])
                #expect(!server.log.contains("task done"))
            }
            #expect(try work.end() == .status(0))
        }

        @Test(
            "At its end it stops consuming, finishes what runs, and returns the rest",
            arguments: BrokerProcesses.Kind.allCases)
        func stopping(kind: BrokerProcesses.Kind) throws {
            let processes = try BrokerProcesses(kind)
            let queue = "stopping"
            let first = try processes.work(queue, "--workers", "1", "--prefetch", "2")
            _ = try processes.produce(
                """
                for number, gate in enumerate(["go", "go", "never"]):
                    app.send_task("Note", kwargs={"label": "a", "number": number, "gate": gate}, queue="\(queue)")
                """)
            _ = try processes.folder.events("begun", reaches: 1)
            first.process.send(signal: SIGTERM)
            // Not the queue's name, which is in each line.
            try first.logLine(holding: "stopping: no new tasks")
            try processes.folder.open(gate: "go")
            #expect(try first.process.waitForExit() == .status(0))
            #expect(processes.folder.events() == ["started", "a 0", "stopped"])
            #expect(processes.folder.events("begun") == ["a 0 began"])
            let second = try processes.work(queue, "--grace", "0.1", log: "second.log")
            #expect(try processes.folder.events("begun", reaches: 3).count == 3)
            #expect(try processes.folder.events(reaches: 5).last == "a 1")
            // A task that does not end is returned as well.
            #expect(try second.end() == .status(0))
            try second.logLine(holding: "the grace is over")
            try processes.folder.open(gate: "never")
            let third = try processes.work(queue, log: "third.log")
            _ = try processes.folder.events(reaches: 8)
            #expect(processes.folder.events().last == "a 2")
            #expect(try third.end() == .status(0))
        }

        @Test(
            "A lost connection is replaced; a task that runs meanwhile does not run twice",
            arguments: BrokerProcesses.Kind.allCases)
        func reconnecting(kind: BrokerProcesses.Kind) throws {
            let port = try kind == .redis ? Servers.redisServer().port : Servers.rabbit().port
            let proxy = try Proxy(to: port)
            defer { proxy.close() }
            let near = try BrokerProcesses(kind)
            let address =
                kind == .redis ? "redis://127.0.0.1:\(proxy.port)/0" : try Servers.rabbit().url(by: proxy)
            let processes = try BrokerProcesses(url: address)
            let work = try processes.work("cut-\(kind)")
            _ = try near.produce(
                """
                app.send_task("Note", kwargs={"label": "a", "number": 1, "gate": "go"}, queue="cut-\(kind)")
                """)
            _ = try processes.folder.events("begun", reaches: 1)
            proxy.cut()
            try work.logLine(holding: "warning", "the queue cannot be consumed")
            try work.logLine(holding: "consuming again")
            try processes.folder.open(gate: "go")
            _ = try processes.folder.events(reaches: 2)
            // RabbitMQ redelivers at once, Redis when the lost consumer counts as dead.
            if kind == .rabbitMQ {
                _ = try near.produce(
                    """
                    app.send_task("Note", kwargs={"label": "b", "number": 2}, queue="cut-\(kind)").get(timeout=20)
                    """)
                #expect(processes.folder.events() == ["started", "a 1", "b 2"])
                #expect(processes.folder.events("begun") == ["a 1 began", "b 2 began"])
            }
            #expect(try work.end() == .status(0))
            if kind == .rabbitMQ {
                let left = try Servers.rabbit().control("list_queues", "name", "messages")
                #expect(left.contains("cut-rabbitMQ\t0"), "\(left)")
            }
        }

        @Test(
            "If one of three workers is killed in the middle of 1,000 tasks, none is lost, and only its running tasks run twice"
        )
        func killed() throws {
            let processes = try BrokerProcesses(.rabbitMQ)
            let folder = processes.folder
            let works = try (1...3).map {
                try processes.work("many", "--prefetch", "8", log: "work-\($0).log")
            }
            try processes.serve { server in
                _ = try server.add("/add?label=a&task=Count&count=1000")
                _ = try folder.events("counted", reaches: 300, within: .seconds(60))
                works[0].process.send(signal: SIGKILL)
                #expect(folder.events("counted").count < 900, "it was killed in the middle")
                try waitUntil("all are done: \(Set(folder.events("counted")).count)", within: .seconds(60)) {
                    Set(folder.events("counted")).count == 1000
                }
            }
            for work in works.dropFirst() { #expect(try work.end() == .status(0)) }
            let done = folder.events("counted")
            #expect(done.count < 1000 + 8)
            let begun = works.map { folder.events("begun-\($0.process.pid)") }
            #expect(!begun[0].isEmpty)
            #expect(begun[0].count < 1000)
            // Only tasks that had begun in the killed worker have begun twice.
            let others = begun[1] + begun[2]
            #expect(Set(others).count == others.count)
            #expect(Set(others).intersection(begun[0]).count <= 8)
        }
    }
}
