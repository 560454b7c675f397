// expect: cannot convert value of type 'String' to expected argument type 'Int'
import Postlude

func processData(_ itemID: Int, _ priority: String) {}

func handle(tasks: BackgroundTasks) -> [String: String] {
    tasks.add(processData, "forty-two", "high")
    return ["status": "processing"]
}
