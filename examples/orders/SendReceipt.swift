import FoundationEssentials
import Postlude
import PostludeDurable
import PostludeExampleMailing

/// Sends the receipt. After a crash between the mail server's answer and the task's end, it is sent again,
/// with the same Message-ID.
struct SendReceipt: DurableTask {
    var order: String
    var email: EmailAddress

    func run(_ context: TaskContext) async throws -> String {
        let mailer = try Mailer()
        try mailer.send(
            Mail(
                from: mailer.sender, to: email, subject: "Your order \(order)",
                text: "Thank you. Your order \(order) is paid.",
                id: context.taskID.flatMap(UUID.init) ?? UUID()))
        return "sent to \(email)"
    }
}
