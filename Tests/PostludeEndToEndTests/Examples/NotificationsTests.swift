import Foundation
import Testing

@Suite("The notifications example")
struct NotificationsTests {
    /// The example with its own manifest, spawned in a folder of the test's.
    private static func run(
        environment: [String: String], in folder: TestFolder, _ body: (Server, NginxServer) throws -> Void
    ) throws {
        try Example(name: "notifications", environment: environment).run(in: folder, body)
    }

    @Test("POST /register answers at once, and the welcome mail arrives at the SMTP server")
    func mail() throws {
        let folder = try TestFolder()
        try MailServer.run(in: folder) { smtp in
            let environment = [
                "SMTP_URL": "smtp://127.0.0.1:\(smtp.port)", "MAIL_FROM": "postlude@example.org",
            ]
            try Self.run(environment: environment, in: folder) { _, nginx in
                let reply = try nginx.client().ask(
                    "POST", "/register", json: #"{"name":"Ada Lovelace","email":"ada@example.org"}"#)
                #expect(reply.status == 201, "\(reply.text)")
                let mails = try eventually("the mail arrives") { smtp.mails.isEmpty ? nil : smtp.mails }
                #expect(mails.count == 1)
                let mail = try #require(mails.first)
                #expect(
                    mail.contains("X-RcptTo: ada@example.org")
                        && mail.contains("X-MailFrom: postlude@example.org"))
                #expect(mail.contains("Ada Lovelace"))
            }
        }
    }

    @Test("A mail that is not yet sent at SIGTERM is sent")
    func mailAtShutdown() throws {
        let folder = try TestFolder()
        try MailServer.run(in: folder) { smtp in
            try Self.run(environment: ["SMTP_URL": "smtp://127.0.0.1:\(smtp.port)"], in: folder) {
                server, nginx in
                for number in 1...5 {
                    let json = "{\"name\":\"Person\",\"email\":\"person\(number)@example.org\"}"
                    let reply = try nginx.client().ask("POST", "/register", json: json)
                    #expect(reply.status == 201)
                }
                server.process.send(signal: SIGTERM)
                let exit = try server.process.waitForExit()
                #expect(exit == .status(0))
                #expect(smtp.mails.count == 5)
            }
        }
    }

    @Test("Without an SMTP server the mail becomes a file; a refused address gets 422 and no mail")
    func folderAndRefusal() throws {
        let folder = try TestFolder()
        try Self.run(environment: ["SMTP_URL": "", "MAIL_FOLDER": folder.file("mail")], in: folder) {
            server, nginx in
            let client = try nginx.client()
            let refused = try client.ask(
                "POST", "/register", json: #"{"name":"Eve","email":"eve@example.org\r\nBcc: x"}"#)
            #expect(refused.status == 422)
            let nameless = try client.ask("POST", "/register", json: #"{"email":"eve@example.org"}"#)
            #expect(nameless.status == 422)
            let reply = try client.ask(
                "POST", "/register", json: #"{"name":"Ada","email":"ada@example.org"}"#)
            #expect(reply.status == 201)
            let files = try eventually("a file in the mail folder") { () -> [String]? in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("mail"))) ?? []
                let mails = names.filter { $0.hasSuffix(".eml") }
                return mails.isEmpty ? nil : mails
            }
            #expect(files.count == 1)
            #expect(files.allSatisfy { folder.text("mail/" + $0).contains("ada@example.org") })
        }
    }

    @Test("The first examples of the guide work")
    func seed() throws {
        let folder = try TestFolder()
        try Self.run(environment: ["SMTP_URL": "", "MAIL_FOLDER": folder.file("mail")], in: folder) {
            _, nginx in
            let client = try nginx.client()
            let home = try client.ask("GET", "/")
            #expect(home.status == 200 && home.field("Content-Type")?.hasPrefix("text/html") == true)
            #expect(try client.ask("POST", "/send?email=ada@example.org").status == 200)
            #expect(try client.ask("POST", "/send").status == 422)
            #expect(try client.ask("POST", "/process/42").status == 200)
            #expect(try client.ask("POST", "/process/x").status == 404)
            #expect(try client.ask("POST", "/action").status == 200)
        }
    }
}
