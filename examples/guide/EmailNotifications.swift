import Postlude

func sendWelcomeEmail(email: EmailAddress, name: String) {
    print("Sending welcome email to \(name) at \(email)")
}

struct User: Decodable {
    var email: EmailAddress
    var name: String
}

/// `POST /register` with a JSON body
func registerUser(user: JSONBody<User>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(sendWelcomeEmail, user.email, user.name)
    return ["message": "User \(user.name) registered successfully"]
}
