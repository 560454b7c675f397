import Postlude

func logActivity(userID: Int, action: String) {
    print("User \(userID) performed \(action)")
}

func updateAnalytics(action: String) {
    print("Analytics updated for \(action)")
}

func sendNotification(userID: Int) {
    print("Notification sent to user \(userID)")
}

struct UserAction: InputFields {
    @Field(name: "user_id") var userID: Int
    @Field var action: String
}

/// `POST /action?user_id=…&action=…`
func performAction(query: Query<UserAction>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(logActivity, query.userID, query.action)
    tasks.add(updateAnalytics, query.action)
    tasks.add(sendNotification(userID:), query.userID)
    return ["status": "success", "action": query.action]
}
