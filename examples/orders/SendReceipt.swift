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
        let receipts = try context.application(OrdersApplication.self).receipts
        try receipts.send(order, to: email, id: context.taskID.flatMap(UUID.init) ?? UUID())
        return "sent to \(email)"
    }
}

/// Sends receipts.
protocol ReceiptSender: Sendable {
    /// - Parameter id: that of the message, by which a second copy is recognized.
    func send(_ order: String, to address: EmailAddress, id: UUID) throws
}

/// Sends receipts by mail.
struct MailedReceipts: ReceiptSender {
    func send(_ order: String, to address: EmailAddress, id: UUID) throws {
        let mailer = try Mailer()
        try mailer.send(
            Mail(
                from: mailer.sender, to: address, subject: "Your order \(order)",
                text: "Thank you. Your order \(order) is paid.", id: id))
    }
}
