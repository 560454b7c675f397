// expect: mutation of captured var 'count' in concurrently-executing code
import Postlude

func handle(tasks: BackgroundTasks) -> [String: String] {
    var count = 0
    tasks.add(named: "count") { count += 1 }
    return ["count": "\(count)"]
}
