import Foundation
import Postlude

/// A line with the kernel's id of this thread, with which a link in /proc ends.
func noteThread(_ place: String) {
    let thread = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
    EventLog.write("\(place) \(thread?.split(separator: "/").last ?? "?")")
}

func noteThreadAroundAwait(_ place: String) async throws {
    noteThread(place + " before")
    try await Task.sleep(for: .milliseconds(2))
    noteThread(place + " after")
    await withTaskGroup(of: Void.self) { group in
        for number in 1...3 {
            group.addTask { noteThread(place + " child \(number)") }
        }
    }
    noteThread(place + " joined")
}

func threads(tasks: BackgroundTasks) -> [String: String] {
    noteThread("handler")
    tasks.add(noteThread, "task")
    tasks.add(noteThreadAroundAwait, "async task")
    tasks.add(named: "closure") { noteThread("closure") }
    return ["status": "queued"]
}

func threadsAsync(tasks: BackgroundTasks) async throws -> [String: String] {
    try await noteThreadAroundAwait("handler")
    tasks.add(noteThread, "task")
    tasks.add(noteThreadAroundAwait, "async task")
    return ["status": "queued"]
}
