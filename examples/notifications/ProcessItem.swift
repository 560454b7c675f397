import Postlude

struct Item: Decodable {
    var itemID: Int

    enum CodingKeys: String, CodingKey {
        case itemID = "item_id"
    }
}

/// `POST /process/{item_id:int}`: the item is processed after the response.
func processItem(item: Path<Item>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(processData, item.itemID, "high")
    return ["status": "processing"]
}

func processData(itemID: Int, priority: String) async throws {
    report("processing item \(itemID), priority \(priority)")
    try await Task.sleep(for: .seconds(1))
    report("item \(itemID) is processed")
}
