import Foundation
import PostludeBrokerFixtures
import Testing

extension CeleryTests {
    @Suite("Sending tasks to a broker") struct SendingTests {
        @Test(
            "Tasks are sent after the response, in order, with the ids that the client has received",
            arguments: BrokerProcesses.Kind.allCases)
        func leaves(kind: BrokerProcesses.Kind) throws {
            let processes = try BrokerProcesses(kind)
            try processes.serve { server in
                // RabbitMQ's queue does not exist yet: the tasks wait for it.
                let reply = try server.ask(
                    RawRequest("POST", "/send?label=a&count=2").with {
                        $0.parameters = [("REQUEST_ID", "request-7")]
                    })
                #expect(reply.status == 202)
                let sent = try #require(reply.http.field("task-id")).split(separator: ", ").map(String.init)
                #expect(sent.count == 2)
                let added = try server.add("/add?label=b&count=2")
                if kind == .rabbitMQ {
                    _ = try server.logLine(
                        holding: "warning", "a queue accepts no tasks; they stay in the task store",
                        "queue=python")
                }
                let worker = try processes.worker()
                defer { worker.end() }
                let told = try processes.told(reaches: 4)
                #expect(told.compactMap { $0["id"] as? String } == sent + added)
                #expect(told.compactMap { $0["request_id"] as? String }.first == "request-7")
                #expect((told[0]["args"] as? NSArray) == ["a", 1])
                #expect((told[0]["kwargs"] as? NSDictionary) == ["nested": ["a": [1.5]]])
                #expect((told[2]["args"] as? NSArray) == [])
                #expect((told[3]["kwargs"] as? NSDictionary) == ["label": "b", "number": 2])
                if kind == .rabbitMQ { _ = try server.logLine(holding: "the broker accepts tasks again") }
                #expect(!server.log.contains("guest:guest"))
            }
        }

        @Test(
            "While the broker is unreachable tasks are persisted, also by a process that ends; they are sent in their order"
        )
        func brokerDown() throws {
            let redis = try RedisServer()
            let processes = try BrokerProcesses(url: redis.url)
            redis.stop()
            var ids: [String] = []
            try processes.serve { server in
                for number in 1...3 { ids += try server.add("/send?label=\(number)") }
                _ = try server.logLine(
                    holding: "warning", "the broker accepts no tasks; they stay in the task store",
                    "redis://127")
            }
            try processes.serve { server in
                ids += try server.add("/add?label=4")
                // The first process has logged it as well.
                try waitUntil("the second process has tried: \(server.log)") {
                    server.log.split(separator: "\n").count {
                        $0.contains("the broker accepts no tasks; they stay in the task store")
                    } == 2
                }
                try redis.start()
                let worker = try processes.worker()
                defer { worker.end() }
                #expect(try processes.told(reaches: 4).compactMap { $0["id"] as? String } == ids)
                _ = try server.logLine(holding: "the broker accepts tasks again")
            }
        }

        @Test(
            "An unreachable broker is a problem of the status, with the number of tasks, until it can be reached"
        )
        func problem() throws {
            let redis = try RedisServer()
            let processes = try BrokerProcesses(url: redis.url)
            redis.stop()
            let status = Endpoint.unix(processes.folder.file("status.socket"))
            let settings = "status: { listen: \(status), problems: { outage: 1ms } }"
            try processes.serve("workers: { min: 2, max: 8 }\n\(settings)") { server in
                for number in 1...3 { _ = try server.add("/send?label=\(number)") }
                func problems() throws -> [[String: Any]] {
                    try StatusTests.report(at: status)["problems"] as? [[String: Any]] ?? []
                }
                try waitUntil("the broker is a problem") {
                    try problems().compactMap { $0["text"] as? String }
                        == ["the broker accepts no tasks; 3 tasks wait to be sent"]
                }
                #expect(try problems().first?["since"] is Int)
                #expect(
                    try StatusTests.get("/metrics", at: status).text.contains(
                        "postlude_problems{kind=\"broker\"} 1\n"))
                try redis.start()
                try waitUntil("there is none") { try problems().isEmpty }
            }
        }

        @Test("A silent broker delays neither responses nor the process's end")
        func silentBroker() throws {
            let redis = try RedisServer()
            let proxy = try Proxy(to: redis.port)
            defer { proxy.close() }
            proxy.set(.swallowAnswers)
            let processes = try BrokerProcesses(url: "redis://127.0.0.1:\(proxy.port)/0")
            var ids: [String] = []
            try processes.serve { server in
                for number in 1...3 { ids += try server.add("/send?label=\(number)") }
                let start = ContinuousClock.now
                server.process.send(signal: SIGTERM)
                #expect(try server.process.waitForExit() == .status(0))
                #expect(ContinuousClock.now - start < .seconds(10))
            }
            proxy.set(.forward)
            try processes.serve { _ in
                let worker = try processes.worker()
                defer { worker.end() }
                try waitUntil("all have come, one perhaps twice") {
                    try Set(processes.told(reaches: 3).compactMap { $0["id"] as? String }) == Set(ids)
                }
            }
        }

        @Test("A task that cannot finish here is rerouted with the same id")
        func rerouting() throws {
            let processes = try BrokerProcesses(.redis)
            let worker = try processes.worker()
            defer { worker.end() }
            var ids: [String] = []
            try processes.serve("workers: { min: 2, max: 8 }\nshutdown-grace: 100ms") { server in
                ids += try server.add("/add?label=a&task=Flaky")
                #expect(try processes.told(reaches: 1).last?["id"] as? String == ids[0])
                ids += try server.add("/add?label=b&task=Slow")
                #expect(try processes.told(reaches: 2).last?["id"] as? String == ids[1])
                _ = try server.logLine(
                    holding: "task failed, and moves to a queue", "app.rerouted", "queue=python")
                #expect(
                    processes.folder.events() == ["started", "a attempt 1", "a attempt 2", "b attempt 1"],
                    "what is past its deadline is not tried again")
                ids += try server.add("/add?label=c&task=Left")
                _ = try processes.folder.events(reaches: 5)
            }
            try processes.serve { _ in
                let told = try processes.told(reaches: 3)
                #expect(told.compactMap { $0["id"] as? String } == ids)
                #expect(
                    told.compactMap { $0["task"] as? String } == ["app.rerouted", "app.slow", "app.left"])
                #expect(told[2]["kwargs"] as? [String: String] == ["label": "c"])
            }
        }
    }
}
