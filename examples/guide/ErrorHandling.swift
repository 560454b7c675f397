import Postlude

struct NoData: Error, CustomStringConvertible {
    let description = "the text is empty"
}

func riskyOperation(data: String) throws {
    guard !data.isEmpty else { throw NoData() }
    print("Operation done with \(data)")
}

struct NewTask: Decodable {
    var data: String
}

/// `POST /task?data=…`
func createTask(task: Query<NewTask>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(riskyOperation, task.data)
    return ["status": "accepted"]
}
