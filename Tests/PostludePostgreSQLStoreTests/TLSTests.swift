import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeSpawning
import PostludeSupervision
import PostludeTaskStore
import Testing

@Suite(
    "TLS to the server", .timeLimit(.minutes(10)),
    .enabled("this PostgreSQL has no TLS") { try PostgreSQLServer.shared().hasTLS })
struct TLSTests {
    /// Makes a certificate for the name `localhost`, which it signs itself.
    private static func certificate(in folder: String, named name: String) throws -> (
        file: String, key: String
    ) {
        let files = (file: "\(folder)/\(name).crt", key: "\(folder)/\(name).key")
        let exit = try Program(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", files.key,
                "-out", files.file,
            ]
        ).start(output: folder + "/openssl.log", errors: folder + "/openssl.log").waitForExit()
        guard exit == .status(0) else { throw CocoaError(.executableLoad) }
        return files
    }

    @Test(
        "sslmode=verify-full accepts the certificate that the address names, and refuses others with a clear message"
    )
    func verifyFull() throws {
        let port = Int(try FreePort.take())
        let server = try PostgreSQLServer(listeningOn: ("127.0.0.1", "127.0.0.1/32"), port: port) { folder in
            let files = try Self.certificate(in: folder, named: "server")
            _ = try Self.certificate(in: folder, named: "other")
            return ["ssl=on", "ssl_cert_file=\(files.file)", "ssl_key_file=\(files.key)"]
        }
        let fixture = try PostgreSQLFixture(on: server)
        func address(_ host: String, root: String) -> String {
            "postgresql://postgres@\(host):\(port)/\(fixture.database)"
                + "?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=\(server.folder)/\(root).crt"
        }

        let taskStore = try PostgreSQLTaskStore(address: address("localhost", root: "server"))
        let ids = try taskStore.append("r", .make())
        taskStore.ended(ids[0], .done(result: nil))
        #expect(try taskStore.state(of: ids[0]) == .done)
        let sessions = try fixture.query(
            """
            SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE datname = current_database() AND application_name = 'postlude'
            """)
        #expect(sessions == ["t"], "all sessions are encrypted")
        try taskStore.close()

        let unknown = try #require(
            taskStoreError { _ = try PostgreSQLTaskStore(address: address("localhost", root: "other")) })
        #expect(unknown.reason.contains("certificate verify failed"), "\(unknown)")
        #expect(unknown.advice?.contains("sslrootcert") == true && unknown.isTemporary)
        let misnamed = try #require(
            taskStoreError { _ = try PostgreSQLTaskStore(address: address("127.0.0.1", root: "server")) })
        #expect(misnamed.reason.contains("does not match host name"), "\(misnamed)")
        #expect(misnamed.advice?.contains("certificate") == true)
        let missing = try #require(
            taskStoreError { _ = try PostgreSQLTaskStore(address: address("localhost", root: "none")) })
        #expect(missing.reason.contains("none.crt"), "\(missing)")
    }
}
