import Foundation
import PostludeSpawning

/// Debian's RabbitMQ on the loopback interface, with its own folder, node name and ports.
package final class RabbitMQServer {
    package let port: UInt16
    package let tlsPort: UInt16
    package let folder: Folder
    private let epmd: Daemon
    private var server: Daemon?
    private let environment: [String: String]

    package init() throws {
        folder = try Folder()
        port = try FreePort.take()
        tlsPort = try FreePort.take()
        let epmdPort = try FreePort.take()
        try Self.makeCertificates(in: folder)
        try folder.write(
            "rabbitmq.conf",
            """
            listeners.tcp.1 = 127.0.0.1:\(port)
            listeners.ssl.1 = 127.0.0.1:\(tlsPort)
            ssl_options.cacertfile = \(folder.file("ca.pem"))
            ssl_options.certfile = \(folder.file("server.pem"))
            ssl_options.keyfile = \(folder.file("server.key"))
            log.console = true
            log.file = false
            vm_memory_high_watermark.absolute = 1GB
            disk_free_limit.absolute = 50MB

            """)
        try folder.write("plugins", "[].\n")
        // Started here, and in the foreground, epmd is a process that the tests can end. The broker would
        // start one and leave it running.
        epmd = try Daemon(
            "/usr/bin/epmd", ["-address", "127.0.0.1", "-port", "\(epmdPort)"], in: folder, log: "epmd.log")
        environment = [
            "HOME": folder.path, "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": "\(epmdPort)",
            "RABBITMQ_NODENAME": "postlude\(port)@localhost", "RABBITMQ_MNESIA_BASE": folder.file("mnesia"),
            "RABBITMQ_LOG_BASE": folder.file("log"), "RABBITMQ_CONFIG_FILE": folder.file("rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder.file("plugins"),
            "RABBITMQ_DIST_PORT": "\(try FreePort.take())",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
            // `exec` makes the broker replace the script, so that the process id is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        ]
        try epmd.waitUntilListening(on: epmdPort)
        try start()
    }

    package func start() throws {
        let daemon = try Daemon(
            "/usr/lib/rabbitmq/bin/rabbitmq-server", [], environment: environment, in: folder,
            log: "rabbitmq.log")
        server = daemon
        try daemon.waitUntilListening(on: port)
    }

    package func stop(by number: Int32 = SIGTERM) {
        server?.end(by: number)
        server = nil
    }

    deinit {
        stop(by: SIGKILL)
        epmd.end()
    }

    package var url: String { "amqp://guest:guest@127.0.0.1:\(port)/" }

    package func url(by proxy: Proxy, _ query: String = "") -> String {
        "amqp://guest:guest@127.0.0.1:\(proxy.port)/?\(query)"
    }

    @discardableResult
    package func control(_ arguments: String...) throws -> String {
        let name = "rabbitmqctl-\(UUID().uuidString)"
        let daemon = try Daemon(
            "/usr/lib/rabbitmq/bin/rabbitmqctl", ["--quiet"] + arguments, environment: environment,
            in: folder, log: name)
        try daemon.succeed()
        return daemon.says
    }

    private static func makeCertificates(in folder: Folder) throws {
        try folder.write(
            "make.sh",
            """
            set -e
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test authority"
            openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=localhost"
            printf 'subjectAltName=DNS:localhost' > extensions
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                -extfile extensions -out server.pem
            openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj "/CN=Another"

            """)
        let daemon = try Daemon("/bin/sh", ["make.sh"], in: folder, log: "openssl.log")
        try daemon.succeed()
    }
}
