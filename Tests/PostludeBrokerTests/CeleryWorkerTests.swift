import Foundation
import PostludeBrokerFixtures
import Testing

@testable import PostludeBroker

extension BrokerTests {
    /// Celery's own workers and producers, from Debian's python3-celery, with real brokers.
    @Suite struct CeleryWorkerTests {
        enum Kind: CaseIterable { case rabbitMQ, redis }

        static func url(_ kind: Kind) throws -> String {
            switch kind {
            case .rabbitMQ: try Servers.rabbit().url
            case .redis: try Servers.redisServer().url
            }
        }

        static func result(_ id: String, _ results: RedisResults) throws -> CeleryResult {
            try eventually("\(id) has a result") {
                let result = try results.result(of: id)
                return result.status.isFinal ? result : nil
            }
        }

        @Test(arguments: Kind.allCases)
        func `A worker runs the tasks that we publish, and we read the results`(
            kind: Kind
        )
            throws
        {
            let folder = try Folder()
            let redis = try Servers.redisServer()
            let backend = "redis://127.0.0.1:\(redis.port)/5"
            let queue = "worker-\(kind)"
            let worker = try Python.worker(
                in: folder, broker: try Self.url(kind), backend: backend, queues: queue)
            defer { worker.end() }
            let publisher = try BrokerAddress(try Self.url(kind)).broker.publisher()
            let results = try RedisResults(try BrokerAddress(backend))

            var message = CeleryMessage(
                task: "app.echo", id: UUID().uuidString.lowercased(),
                arguments: #"[1, "é😀\u0000", 123456789012345678901234567890]"#,
                keywordArguments: #"{"width": 2.5, "none": null, "nested": {"a": [true]}}"#)
            message.retries = 2
            message.timeLimit = CeleryMessage.TimeLimit(hard: 60, soft: 30)
            message.parentID = "parent-1"
            message.rootID = "root-1"
            message.eta = Date(timeIntervalSinceNow: 1)
            message.expires = Date(timeIntervalSinceNow: 300)
            message.headers = [
                .init("request_id", .text("request-7")),
                .init("nested", .table([.init("deep", .list([.integer(1)]))])),
            ]
            if kind == .redis { message.priority = .low }
            let sent = Date()
            try publisher.publish(message, to: queue)
            let result = try Self.result(message.id, results)
            #expect(result.status == .success, "\(worker.says)")
            #expect(Date().timeIntervalSince(sent) > 0.9)
            let told = try #require(
                try JSONSerialization.jsonObject(with: Data((result.result ?? "").utf8)) as? NSDictionary)
            let expected =
                try JSONSerialization.jsonObject(
                    with: Data("[\(message.arguments), \(message.keywordArguments)]".utf8)) as? [Any]
            #expect((told["args"] as? NSArray)?.isEqual(expected?[0]) == true)
            #expect((told["kwargs"] as? NSDictionary)?.isEqual(expected?[1]) == true)
            #expect(told["id"] as? String == message.id)
            #expect(told["correlation_id"] as? String == message.id)
            #expect(told["retries"] as? Int == 2)
            #expect(told["timelimit"] as? [Double] == [60, 30])
            #expect(told["root_id"] as? String == "root-1")
            #expect(told["parent_id"] as? String == "parent-1")
            #expect(told["origin"] as? String == "postlude")
            #expect(told["request_id"] as? String == "request-7")
            #expect((told["nested"] as? NSDictionary)?.isEqual(["deep": [1]]) == true)
            #expect((told["eta"] as? String)?.hasSuffix("+00:00") == true)

            // Its time limit has passed: the state is `REVOKED`.
            var late = CeleryMessage(task: "app.echo", id: UUID().uuidString.lowercased())
            late.expires = Date(timeIntervalSinceNow: -60)
            try publisher.publish(late, to: queue)
            #expect(try Self.result(late.id, results).status == .revoked)

            let failing = CeleryMessage(
                task: "app.fail", id: UUID().uuidString.lowercased(), arguments: #"["no"]"#)
            try publisher.publish(failing, to: queue)
            let failure = try Self.result(failing.id, results)
            #expect(failure.status == .failure)
            #expect(
                failure.failure == CeleryResult.Failure(type: "ValueError", message: "no", module: "builtins")
            )
            #expect(failure.traceback?.contains("ValueError: no") == true)
            #expect(try results.result(of: "unknown").status == .pending)
            // Neither an unknown task nor any message that we have sent ends the worker.
            try publisher.publish(CeleryMessage(task: "app.unknown", id: "u-1"), to: queue)
            let last = CeleryMessage(task: "app.echo", id: UUID().uuidString.lowercased())
            try publisher.publish(last, to: queue)
            #expect(try Self.result(last.id, results).status == .success)
            #expect(worker.isRunning)
        }

        @Test(arguments: Kind.allCases) func `A worker accepts many random messages`(kind: Kind) throws {
            let count = ProcessInfo.processInfo.environment["CELERY_TEST_MESSAGES"].flatMap { Int($0) } ?? 40
            let folder = try Folder()
            let queue = "random-\(kind)"
            let worker = try Python.worker(in: folder, broker: try Self.url(kind), queues: queue)
            defer { worker.end() }
            let publisher = try BrokerAddress(try Self.url(kind)).broker.publisher()
            var documents = RandomArguments(seed: 11)
            var sent: [(arguments: String, keywords: String)] = []
            for number in 0..<count {
                var message = CeleryMessage(
                    task: "app.echo", id: "random-\(number)", arguments: documents.array(),
                    keywordArguments: documents.object())
                message.headers = [.init("nested", documents.header())]
                try publisher.publish(message, to: queue)
                sent.append((message.arguments, message.keywordArguments))
            }
            try waitUntil(
                "all were taken: \(folder.lines("told").count); \(worker.says.suffix(1_500))",
                within: .seconds(120)
            ) {
                folder.lines("told").count >= sent.count
            }
            try folder.write(
                "sent",
                sent.map { Data("[\($0.arguments),\($0.keywords)]".utf8).base64EncodedString() + "\n" }
                    .joined())
            let output = try Python.run(
                """
                import base64, json
                told = {line["id"]: line for line in map(json.loads, open("told"))}
                for number, line in enumerate(open("sent")):
                    args, kwargs = json.loads(base64.b64decode(line))
                    found = told["random-%d" % number]
                    assert (found["args"], found["kwargs"]) == (args, kwargs), (found, args, kwargs)
                print("same", len(told))
                """, in: folder)
            #expect(output == "same \(count)\n")
        }

        @Test(arguments: Kind.allCases) func `Python calls tasks in Swift by name and gets the results`(
            kind: Kind
        ) throws {
            let folder = try Folder()
            let redis = try Servers.redisServer()
            let backend = "redis://127.0.0.1:\(redis.port)/6"
            let queue = "swift-\(kind)"
            let consumer = try BrokerAddress(try Self.url(kind)).broker.consumer(of: queue, prefetch: 4)
            defer { consumer.close() }
            let results = try RedisResults(try BrokerAddress(backend))
            let producer = try Daemon(
                Python.executable,
                [
                    "-c",
                    Python.application + """

                        result = app.send_task("SendReceipt", args=[7, "é"], kwargs={"mail": {"to": "a@b"}},
                                           queue="\(queue)", retries=1,
                                               countdown=0.5, expires=300, headers={"request_id": "r-9"})
                        print(json.dumps([result.id, result.get(timeout=60)]))

                        """,
                ], environment: Python.environment(try Self.url(kind), backend), in: folder,
                log: "producer.log")
            let delivery = try #require(try consumer.task(within: .seconds(60)), "\(producer.says)")
            #expect(delivery.task.name == "SendReceipt")
            #expect(delivery.task.arguments == #"[7, "\u00e9"]"#)
            #expect(delivery.task.keywordArguments == #"{"mail": {"to": "a@b"}}"#)
            #expect(delivery.task.retries == 1)
            #expect(delivery.task.headers["request_id"] == .text("r-9"))
            #expect(
                delivery.task.eta != nil
                    && delivery.task.expires.map { $0.timeIntervalSinceNow > 200 } == true)
            try results.store(CeleryResult(id: delivery.task.id, status: .success, result: #"{"sent":true}"#))
            try consumer.acknowledge(delivery.id)
            try producer.succeed()
            #expect(producer.says == "[\"\(delivery.task.id)\", {\"sent\": true}]\n")

            // Postlude does not run the rest of a chain, and refuses its messages.
            _ = try Python.producer(
                """
                from celery import chain
                chain(app.signature("SendReceipt", queue="\(queue)"), app.signature("app.echo")).apply_async()
                """, in: folder, broker: try Self.url(kind))
            guard case .refused(let refused)? = try consumer.receive(within: .seconds(20), orReadable: nil)
            else {
                throw Unexpected("not refused")
            }
            #expect(refused.task == "SendReceipt" && refused.reason.contains("chain"), "\(refused.reason)")
        }
    }
}
