import Postlude
import PostludeExampleMailing

struct Recipient: Decodable {
    var email: EmailAddress
}

/// `POST /send?email=…`: the response does not wait for the mail server.
func sendNotification(recipient: Query<Recipient>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(named: "notification mail", sendMail, recipient.email, "Notification", "Something happened.")
    return ["message": "Notification sent"]
}

func sendMail(to address: EmailAddress, subject: String, text: String) throws {
    let mailer = try Mailer()
    try mailer.send(Mail(from: mailer.sender, to: address, subject: subject, text: text))
}
