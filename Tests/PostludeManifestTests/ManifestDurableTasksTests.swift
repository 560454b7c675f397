import Testing

@testable import PostludeManifest

@Suite("Durable tasks of a manifest")
struct ManifestDurableTasksTests {
    @Test("Every key is optional, and every value is decoded")
    func values() throws {
        let yaml = """
            durable-tasks:
              Charge: {}
              SendReceipt:
                attempts: 8
                delay: 1s
                factor: 1.5
                maximum-delay: 1m
                jitter: 0
                deadline: 30s
                expiry: 1h
                priority: high
                runs: { celery: receipts }
                rerouting: { celery: slow, when: [deadline, shutdown] }
              Mail: { runs: here, rerouting: { celery: slow } }
              Render: { running: 3, per: customer, rate: 25/s, order: strict }
              Sync: { rate: 1000/h, order: free }
            """
        let tasks = try parse(manifest(yaml)).durableTasks
        #expect(tasks.map(\.kind) == ["Charge", "SendReceipt", "Mail", "Render", "Sync"])
        #expect(tasks[0] == Manifest.DurableTask("Charge", location: tasks[0].location))
        #expect("\(tasks[0].location)" == "routes.yaml:2:3")
        let task = tasks[1]
        #expect(task.attempts == 8 && task.factor == 1.5 && task.jitter == 0)
        #expect(task.delay == .seconds(1) && task.maximumDelay == .seconds(60))
        #expect(task.deadline == .seconds(30) && task.expiry == .seconds(3600))
        #expect(task.priority == .high && task.runs?.queue == "receipts")
        #expect(
            task.rerouting?.destination.queue == "slow"
                && task.rerouting?.occasions == [.deadline, .shutdown])
        #expect((task.rerouting?.destination.location).map { "\($0)" } == "routes.yaml:13:26")
        #expect(tasks[2].runs != nil && tasks[2].runs?.queue == nil)
        #expect(tasks[2].rerouting?.occasions == [.deadline, .attempts, .shutdown])
        #expect(tasks[2].limit == Manifest.DurableTask.Limit())
        let limit = tasks[3].limit
        #expect(limit.running == 3 && limit.member?.value == "customer" && limit.isStrict == true)
        #expect(limit.rate == .init(count: 25, period: .seconds(1)))
        #expect((limit.location).map { "\($0)" } == "routes.yaml:15:13")
        #expect((limit.member?.location).map { "\($0)" } == "routes.yaml:15:30")
        #expect(tasks[4].limit.rate == .init(count: 1000, period: .seconds(3600)))
        #expect(tasks[4].limit.isStrict == false && tasks[4].limit.running == nil)
    }

    @Test(
        "A wrong value is reported with what was found and what was expected",
        arguments: [
            ("[A]", "1:16: found a list for `durable-tasks`, expected a mapping of durable tasks' names"),
            (
                "{ 5: {} }",
                "1:18: found the number 5 as a key in `durable-tasks`, expected the name of a durable task"
            ),
            (
                "{ A: {}, A: {} }",
                "1:25: the key `A` appears twice in `durable-tasks`; the first is in line 1"
            ),
            (
                "{ A: { attempts: 0 } }",
                "1:33: found the number 0 for `attempts`, expected a whole number from 1 to 1000"
            ),
            (
                "{ A: { factor: 0.9 } }",
                "1:31: found the number 0.9 for `factor`, expected a number from 1 to 100"
            ),
            (
                "{ A: { factor: .nan } }",
                "1:31: found the number .nan for `factor`, expected a number from 1 to 100"
            ),
            (
                "{ A: { jitter: 01 } }",
                "1:31: found the number 01 for `jitter`, expected a number from 0 to 1"
            ),
            ("{ A: { jitter: '1' } }", "1:31: found `1` for `jitter`, expected a number from 0 to 1"),
            (
                "{ A: { delay: 2s, maximum-delay: 1s } }",
                "1:30: found `2s` for `delay`, expected at most `maximum-delay` (1s)"
            ),
            (
                "{ A: { priority: urgent } }",
                "1:33: found `urgent` for `priority`, expected high, normal or low"
            ),
            ("{ A: { runs: there } }", "1:29: found `there` for `runs`, expected here, or { celery: QUEUE }"),
            ("{ A: { runs: {} } }", "1:29: `runs` has no `celery`, expected the name of a queue"),
            (
                "{ A: { rerouting: { celery: a, when: [never] } } }",
                "1:54: found `never` for `when`, expected deadline, attempts or shutdown"
            ),
            (
                "{ A: { rerouting: { celery: a, when: [attempts, attempts] } } }",
                "1:64: found `attempts` twice in `when`, expected it once"
            ),
            (
                "{ A: { atempts: 5 } }",
                "1:23: unknown key `atempts` in a kind's `durable-tasks` (nearest: attempts), expected attempts, "
                    + "delay, factor, maximum-delay, jitter, deadline, expiry, priority, runs, rerouting, running, per, "
                    + "rate or order"
            ),
            (
                "{ A: { running: 0 } }",
                "1:32: found the number 0 for `running`, expected a whole number from 1 to 100000"
            ),
            (
                "{ A: { rate: 25 } }",
                "1:29: found the number 25 for `rate`, expected a number from 1 to 1000000 and a unit (/s, /m or /h) "
                    + "such as 25/s, in quotes if it is meant as text"
            ),
            (
                "{ A: { rate: 25/d } }",
                "1:29: found `25/d` for `rate`, expected a number from 1 to 1000000 and a unit (/s, /m or /h) "
                    + "such as 25/s"
            ),
            ("{ A: { order: loose } }", "1:30: found `loose` for `order`, expected free or strict"),
            ("{ A: { per: '' } }", "1:28: found `` for `per`, expected the name of a member of the task"),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest("durable-tasks: \(yaml)")) == ["routes.yaml:" + expected])
    }
}
