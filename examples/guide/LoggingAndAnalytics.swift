import FoundationEssentials
import Postlude

func logToDatabase(userID: Int, endpoint: String, time: Date) {
    print("User \(userID) asked for \(endpoint) at \(time.formatted(.iso8601))")
}

struct DataQuery: InputFields {
    @Field(name: "user_id") var userID: Int
}

/// `GET /api/data?user_id=…`
func getData(query: Query<DataQuery>, tasks: BackgroundTasks) -> [String: [Int]] {
    tasks.add(logToDatabase, query.userID, "/api/data", Date.now)
    return ["data": [1, 2, 3, 4, 5]]
}
