import Postlude

func sendEmail(email: String, message: String) {
    print("Sending email to \(email): \(message)")
}

struct Recipient: Decodable {
    var email: String
}

/// `POST /send?email=…`
func sendNotification(recipient: Query<Recipient>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(sendEmail, recipient.email, "Welcome to our service!")
    return ["message": "Email will be sent in the background"]
}
