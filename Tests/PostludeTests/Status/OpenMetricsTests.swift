import PostludeScoreboard
import PostludeSystem
import Testing

@testable import Postlude

@Suite("OpenMetrics")
struct OpenMetricsTests {
    private func text(program: String = "shop", _ fill: (ProcessSlot) throws -> Void = { _ in }) throws
        -> String
    {
        let board = try Scoreboard(program: program, processes: 1, workers: 2, isShared: false)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 3)
        try fill(process)
        return StatusSource(board, application: nil, manager: "none").metrics
    }

    @Test("Labels escape backslashes, quotes and line feeds")
    func escaping() throws {
        let text = try text(program: #"a"b\c"#) { process in
            process.count(.done, task: #"say "hi" \ 1"#, taking: .milliseconds(3))
        }
        #expect(text.contains(#"postlude_info{pool="a\"b\\c",manager="none"} 1"#))
        #expect(text.contains(#"postlude_tasks_total{task="say \"hi\" \\ 1",outcome="done"} 1"#))
        #expect(OpenMetrics.escaped("a\nb") == #"a\nb"#)
    }

    @Test("Every sample follows its family's type, and the text ends with EOF")
    func shape() throws {
        let text = try text()
        #expect(text.hasSuffix("\n# EOF\n"))
        var family = ""
        var names: Set<String> = []
        for line in text.split(separator: "\n") where line != "# EOF" {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                family = String(words[2])
                #expect(names.insert(family).inserted, "\(family) appears twice")
            } else if line.hasPrefix("# ") {
                #expect(words[2] == family)
            } else {
                #expect(line.hasPrefix(family), "\(line) under \(family)")
            }
        }
    }

    @Test("A histogram's buckets grow to the count")
    func histogram() throws {
        let text = try text { process in
            let worker = try process.takeWorker()
            for milliseconds in [1, 10, 100] as [Int64] {
                let start = MonotonicTime(nanoseconds: 1_000_000_000)
                worker.begin(method: [], target: [], request: [], at: start)
                worker.finish(
                    CountedAnswer(status: 200, route: nil), at: start + .milliseconds(milliseconds))
            }
        }
        let counts = text.split(separator: "\n").filter { $0.contains("request_duration_seconds_bucket{") }
            .compactMap {
                line in
                line.split(separator: " ").last.flatMap { Int($0) }
            }
        #expect(counts.count == 19 && counts == counts.sorted())
        #expect(counts.first == 0 && counts.last == 3)
        #expect(text.contains("postlude_request_duration_seconds_sum 0.111\n"))
    }

    @Test(
        "Waiting times and the times of tasks are histograms, and each process has its memory and processor time"
    )
    func otherHistograms() throws {
        let text = try text { process in
            process.set(workersLimit: 16)
            process.count(requestWaiting: .milliseconds(50))
            process.count(task: "mail", waiting: .seconds(5))
            process.count(.done, task: "mail", taking: .seconds(2))
            process.count(.dropped, task: "report", taking: nil)
        }
        for line in [
            "postlude_workers_limit 16.0", "postlude_request_wait_seconds_count 1",
            "postlude_request_wait_seconds_sum 0.05",
            #"postlude_task_wait_seconds_sum{task="mail"} 5.0"#,
            #"postlude_task_wait_seconds_bucket{task="mail",le="4.294967296"} 0"#,
            #"postlude_task_wait_seconds_bucket{task="mail",le="17.179869184"} 1"#,
            #"postlude_request_wait_seconds_bucket{le="0.067108864"} 1"#,
            #"postlude_request_wait_seconds_bucket{le="0.016777216"} 0"#,
            #"postlude_task_duration_seconds_bucket{task="mail",le="1.073741824"} 0"#,
            #"postlude_task_duration_seconds_bucket{task="mail",le="+Inf"} 1"#,
            #"postlude_task_duration_seconds_sum{task="mail"} 2.0"#,
        ] { #expect(text.contains(line + "\n"), "\(line)\n\(text)") }
        #expect(!text.contains(#"_bucket{task="report""#))
        #expect(text.contains("postlude_process_memory_bytes{process=\"0\"} "))
        #expect(text.contains("postlude_process_cpu_seconds_total{process=\"0\"} "))
    }

    @Test("Answers are counted by route and by class of status code")
    func routes() throws {
        let text = try text { process in
            let route = CountedRoute(#"/a/{id:"\d+"}"#)
            for status in [200, 204, 500] {
                process.count(CountedAnswer(status: status, route: route), taking: .milliseconds(250))
            }
            process.count(CountedAnswer(status: 404, route: nil), taking: .zero)
        }
        let label = #"route="/a/{id:\"\\d+\"}""#
        #expect(text.contains("postlude_responses_total{\(label),class=\"2xx\"} 2\n"), "\(text)")
        #expect(text.contains("postlude_responses_total{\(label),class=\"5xx\"} 1\n"))
        #expect(text.contains(#"postlude_responses_total{route="none",class="4xx"} 1"#))
        #expect(!text.contains("1xx"))
        #expect(text.contains("postlude_route_duration_seconds_count{\(label)} 3\n"))
        #expect(text.contains("postlude_route_duration_seconds_sum{\(label)} 0.75\n"))
        #expect(text.contains("postlude_route_duration_seconds_bucket{\(label),le=\"0.067108864\"} 0\n"))
        #expect(text.contains("postlude_route_duration_seconds_bucket{\(label),le=\"0.268435456\"} 3\n"))
    }

    @Test("Without a queue from the kernel the metric is absent")
    func noQueue() throws {
        #expect(try !text().contains("listen_queue"))
    }
}
