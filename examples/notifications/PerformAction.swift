import Postlude
import PostludeExampleMailing

/// `POST /action`: three tasks that run one after another, in this order.
func performAction(tasks: BackgroundTasks) -> [String: String] {
    tasks.add(named: "1: log", logAction, "action performed")
    tasks.add(named: "2: mail", mailAdministrator, "An action was performed.")
    tasks.add(named: "3: statistics") { statistics.countAction() }
    return ["status": "completed"]
}

func logAction(_ text: String) {
    report(text)
}

func mailAdministrator(_ text: String) throws {
    let mailer = try Mailer()
    try mailer.send(Mail(from: mailer.sender, to: mailer.sender, subject: "Action", text: text))
}
