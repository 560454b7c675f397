import Postlude

func warmCache(userID: Int) {
    print("Warming the cache of user \(userID)")
}

struct UserPath: InputFields {
    @Field(name: "user_id") var userID: Int
}

/// `POST /users/{user_id}/settings` with any JSON object
func updateSettings(
    user: Path<UserPath>, settings: JSONBody<[String: JSONValue]>, tasks: BackgroundTasks
) -> [String: String] {
    tasks.add(warmCache, user.userID)
    return ["message": "Settings updated"]
}
