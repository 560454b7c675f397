import Foundation
import PostludeBrokerFixtures
import Testing

@testable import PostludeBroker

extension BrokerTests {
    /// Three processes consume 1,000 tasks, and one of them is killed in the middle of its work.
    @Suite struct KilledConsumerTests {
        @Test(arguments: CeleryWorkerTests.Kind.allCases)
        func `No task is lost, and only those in flight are delivered twice`(kind: CeleryWorkerTests.Kind)
            throws
        {
            let folder = try Folder()
            let url = try CeleryWorkerTests.url(kind)
            let queue = "killed-\(kind)"
            var consumers: [Daemon] = []
            for number in 0..<3 {
                try folder.write("done-\(number)", "")
                consumers.append(
                    try Daemon(
                        Self.testbed, [url, queue, folder.file("done-\(number)")], in: folder,
                        log: "log-\(number)"))
            }
            defer { for consumer in consumers { consumer.end(by: SIGKILL) } }
            let publisher = try BrokerAddress(url).broker.publisher()
            let ids = (0..<1_000).map { "task-\($0)" }
            for id in ids {
                try waitUntil("there is a queue") {
                    do throws(BrokerError) {
                        try publisher.publish(CeleryMessage(task: "work", id: id), to: queue)
                        return true
                    } catch {
                        // Waits until the first consumer has declared the queue.
                        guard error.code == .unroutable else { throw error }
                        return false
                    }
                }
                if id == "task-500" {
                    try waitUntil("the first works: \(folder.text("log-0"))") {
                        folder.lines("done-0").count >= 20
                    }
                    consumers[0].end(by: SIGKILL)
                }
            }
            func lines() -> [String] { (0..<3).flatMap { folder.lines("done-\($0)") } }
            func count(_ word: String) -> [String: Int] {
                Dictionary(
                    lines().filter { $0.hasPrefix(word) }.map { (String($0.dropFirst(word.count)), 1) },
                    uniquingKeysWith: +)
            }
            // On Redis, a consumer that has been silent for some seconds counts as dead.
            try waitUntil("all are done: \(count("end ").count) of 1000", within: .seconds(120)) {
                count("end ").count == ids.count
            }
            #expect(Set(count("end ").keys) == Set(ids))
            let twice = count("begin ").filter { $0.value > 1 }
            // At most as many as the killed consumer's prefetch, each of them once more.
            #expect(twice.count <= 5, "\(twice)")
            #expect(twice.values.allSatisfy { $0 == 2 }, "\(twice)")
            print("\(kind): 1000 done, \(twice.count) begun twice")
        }

        /// SwiftPM puts the package's other executables into the folder of the test's executable.
        static let testbed: String = {
            let executable =
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
            return URL(fileURLWithPath: executable).deletingLastPathComponent().path
                + "/PostludeBrokerTestbed"
        }()
    }
}
