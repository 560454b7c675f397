// expect: error:
import Postlude

func processData(_ itemID: Int, _ priority: String) {}

func handle(tasks: BackgroundTasks) -> [String: String] {
    tasks.add(processData, 42)
    return ["status": "processing"]
}
