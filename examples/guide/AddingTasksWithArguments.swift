import Postlude

func processData(itemID: Int, priority: String) async throws {
    print("Processing item \(itemID) with priority \(priority)")
    try await Task.sleep(for: .seconds(2))
    print("Item \(itemID) is processed")
}

struct Item: InputFields {
    @Field(name: "item_id") var itemID: Int
}

struct AcceptedItem: Codable {
    var status: String
    var itemID: Int

    enum CodingKeys: String, CodingKey {
        case status
        case itemID = "item_id"
    }
}

/// `POST /process/{item_id}`
func processItem(item: Path<Item>, tasks: BackgroundTasks) -> AcceptedItem {
    tasks.add(processData, item.itemID, "high")
    return AcceptedItem(status: "accepted", itemID: item.itemID)
}
