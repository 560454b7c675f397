import Postlude
import PostludeExampleMailing

struct Registration: Decodable {
    var name: PersonName
    var email: EmailAddress
}

/// `POST /register` with a JSON body: 201, and a welcome mail afterwards.
func register(body: JSONBody<Registration>, tasks: BackgroundTasks) throws -> Response {
    tasks.add(named: "welcome mail", sendWelcome, body.name, body.email)
    return try .json(["message": "Welcome, \(body.name)"], status: .created)
}

func sendWelcome(to name: PersonName, at address: EmailAddress) throws {
    let mailer = try Mailer()
    try mailer.send(
        Mail(
            from: mailer.sender, to: address, name: name.description, subject: "Welcome",
            text: "Hello \(name),\n\nwelcome. Your account is ready."))
}
