/// The reason why a mail was not sent. Postlude logs it with the task's name and the request's id.
package struct MailError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
