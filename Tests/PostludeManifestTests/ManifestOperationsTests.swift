import PostludeManifest
import Testing

@Suite("Sockets, processes and overload of a manifest")
struct ManifestOperationsTests {
    @Test("Without settings, the socket is inherited and one process serves it")
    func defaults() throws {
        let plain = try parse(manifest(""))
        #expect(plain.listen == Manifest.Listen())
        #expect(plain.listen.address == nil)
        #expect(plain.processes == Manifest.Processes())
        #expect(plain.overload.policy == .wait)
        #expect(plain.status == nil)
        for empty in ["listen: {}", "processes: {}", "overload: {}"] {
            let decoded = try parse(manifest(empty))
            #expect(decoded.listen == plain.listen, "\(empty)")
            #expect(decoded.processes == plain.processes, "\(empty)")
            #expect(decoded.overload == plain.overload, "\(empty)")
        }
    }

    @Test(
        "An address alone is enough",
        arguments: [
            "/run/app.sock", "./app.sock", "127.0.0.1:9000", "localhost:9000", "\"[::1]:9000\"",
            "\"[fe80::1%eth0]:9000\"", "app_1.example.org:65535",
        ])
    func shortForm(address: String) throws {
        let text = address.filter { $0 != "\"" }
        #expect(try parse(manifest("listen: \(address)")).listen.address == text)
        #expect(try parse(manifest("listen: { address: \(address) }")).listen.address == text)
        #expect(try parse(manifest("status: \(address)")).status == Manifest.Status(listen: text))
        #expect(try parse(manifest("status: { listen: \(address) }")).status?.listen == text)
    }

    @Test("A socket has an owner, a mode, a backlog and access rules")
    func listen() throws {
        let unix = try parse(
            manifest(
                """
                listen: { address: /run/app.sock, owner: www-data, group: 33, mode: "0600", backlog: 128,
                  allow-users: [www-data, 0, "1000"] }
                """)
        ).listen
        #expect(unix.owner == "www-data")
        #expect(unix.group == "33")
        #expect(unix.mode == 0o600)
        #expect(unix.backlog == 128)
        #expect(unix.allowUsers == ["www-data", "0", "1000"])
        let networks = [
            "127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "::/0", "192.168.1.128/25",
        ]
        let list = networks.map { "\"\($0)\"" }.joined(separator: ", ")
        let tcp = try parse(manifest("listen: { address: \"[::]:9000\", allow: [\(list)] }")).listen
        #expect(tcp.allow == networks)
    }

    @Test("An inherited socket can have access rules for both kinds of sockets")
    func inherited() throws {
        let listen = try parse(manifest("listen: { allow: [127.0.0.1], allow-users: [root] }")).listen
        #expect(listen.address == nil)
        #expect(listen.allow == ["127.0.0.1"])
        #expect(listen.allowUsers == ["root"])
    }

    @Test(
        "A manifest whose address comes from the environment can have access rules for both kinds of sockets")
    func replacedAddress() throws {
        let yaml = manifest(
            "listen: { address: \"${LISTEN:-/run/app.sock}\", allow: [127.0.0.1], allow-users: [root] }")
        #expect(try parse(yaml, environment: ["LISTEN": "[::1]:9000"]).listen.address == "[::1]:9000")
        #expect(try parse(yaml).listen.address == "/run/app.sock")
    }

    @Test("Processes and overload")
    func processes() throws {
        let decoded = try parse(
            manifest(
                """
                processes: { count: 2, max-requests: 10000, max-memory: 512MiB, watchdog: 1m }
                overload: { when-busy: refuse, wait: 0s, retry-after: 2000ms }
                """))
        #expect(decoded.processes.count == 2)
        #expect(decoded.processes.maximumRequests == 10000)
        #expect(decoded.processes.maximumMemory == 512 << 20)
        #expect(decoded.processes.watchdog == .seconds(60))
        #expect(decoded.overload.policy == .refuse)
        #expect(decoded.overload.wait == .zero)
        #expect(decoded.overload.retryAfter == .seconds(2))
    }

    @Test("The status socket has an owner and a mode")
    func status() throws {
        let status = try parse(
            manifest("status: { listen: /run/s.sock, owner: root, group: www-data, mode: \"640\" }")
        ).status
        #expect(status?.owner == "root")
        #expect(status?.group == "www-data")
        #expect(status?.mode == 0o640)
        #expect(status?.problems == Manifest.Status.Problems())
    }

    @Test("The status pages have viewers and operators")
    func roles() throws {
        #expect(try parse(manifest("status: /a")).status?.roles == Manifest.Status.Roles())
        let roles = try parse(
            manifest("status: { listen: /a, viewers: [ada, bob], operators: [eve], user-header: X-User }")
        ).status?.roles
        #expect(roles?.viewers == ["ada", "bob"] && roles?.operators == ["eve"] && roles?.header == "X-User")
        #expect(
            mistakes(manifest("status: { listen: /a, viewers: [''], user-header: X_User }")) == [
                "routes.yaml:1:33: found `` for `viewers`, expected the name of a user or a group, without control characters",
                "routes.yaml:1:51: found `X_User` for `user-header`, expected the name of a header field such as X-Forwarded-Groups",
            ])
    }

    @Test("The status page's problems have thresholds")
    func problems() throws {
        let values = "dead-letters: 5, outage: 1m, oldest-task: 2m, busy-time: 3m, errors: 0.5%, restarts: 2"
        let problems = try parse(manifest("status: { listen: /a, problems: { \(values) } }")).status?.problems
        #expect(problems?.deadLetters == 5 && problems?.restarts == 2 && problems?.errors == 0.005)
        #expect(problems?.outage == .seconds(60) && problems?.oldestTask == .seconds(120))
        #expect(problems?.busyTime == .seconds(180))
    }

    @Test(
        "A wrong threshold is reported",
        arguments: [
            (
                "errors: 5",
                "43: found the number 5 for `errors`, expected a percentage above 0% and up to 100% such as 5% or "
                    + "0.5%"
            ),
            (
                "dead-letters: 0",
                "49: found the number 0 for `dead-letters`, expected a whole number from 1 to 1000000000"
            ),
            (
                "oldest: 1s",
                "35: unknown key `oldest` in `problems` (nearest: outage), expected dead-letters, outage, "
                    + "oldest-task, busy-time, errors or restarts"
            ),
        ])
    func wrongProblems(yaml: String, expected: String) {
        #expect(
            mistakes(manifest("status: { listen: /a, problems: { \(yaml) } }"))
                == ["routes.yaml:1:" + expected])
    }

    private static let address =
        "expected a Unix path such as /run/app.sock, host:port or [ipv6]:port"
    private static let mode = "expected three octal digits in quotes such as \"0660\""
    private static let network =
        "expected an address such as 127.0.0.1 or a network such as 10.0.0.0/8 or fd00::/8"

    @Test(
        "A wrong socket is reported with what was found and what was expected",
        arguments: [
            (
                "listen: 9000",
                "1:9: found the number 9000 for `listen`, \(address), in quotes if it is meant as text"
            ),
            ("listen: app.sock", "1:9: found `app.sock` for `listen`, \(address)"),
            ("listen: /run/", "1:9: found `/run/` for `listen`, \(address)"),
            ("listen: localhost:0", "1:9: found `localhost:0` for `listen`, \(address)"),
            ("listen: localhost:65536", "1:9: found `localhost:65536` for `listen`, \(address)"),
            ("listen: \"localhost:+80\"", "1:9: found `localhost:+80` for `listen`, \(address)"),
            ("listen: a b:80", "1:9: found `a b:80` for `listen`, \(address)"),
            ("listen: \"[::g]:80\"", "1:9: found `[::g]:80` for `listen`, \(address)"),
            (
                "listen: ::1:9000",
                "1:9: found `::1:9000` for `listen`, expected an IPv6 address in brackets and a port such as "
                    + "[::1]:9000"
            ),
            (
                "listen: 2001:db8::1",
                "1:9: found `2001:db8::1` for `listen`, expected an IPv6 address in brackets and a port such "
                    + "as [::1]:9000"
            ),
            ("listen: { address: }", "1:20: found nothing for `address`, \(address)"),
            (
                "listen: { adress: /a }",
                "1:11: unknown key `adress` in `listen` (nearest: address), expected address, owner, group, "
                    + "mode, backlog, allow or allow-users"
            ),
            (
                "listen: { mode: 0660 }",
                "1:17: found the number 0660 for `mode`, expected the mode in quotes: \"0660\""
            ),
            (
                "listen: { mode: 660 }",
                "1:17: found the number 660 for `mode`, expected the mode in quotes: \"0660\""
            ),
            (
                "listen: { mode: 432 }",
                "1:17: found the number 432 for `mode`, expected the mode in quotes: \"0432\""
            ),
            ("listen: { mode: 0o660 }", "1:17: found the number 0o660 for `mode`, \(mode)"),
            ("listen: { mode: \"0680\" }", "1:17: found `0680` for `mode`, \(mode)"),
            ("listen: { mode: \"04660\" }", "1:17: found `04660` for `mode`, \(mode)"),
            ("listen: { mode: rw }", "1:17: found `rw` for `mode`, \(mode)"),
            (
                "listen: { owner: \"www data\" }",
                "1:18: found `www data` for `owner`, expected the name or number of a user"
            ),
            (
                "listen: { group: 4294967295 }",
                "1:18: found the number 4294967295 for `group`, expected the name or number of a group"
            ),
            (
                "listen: { owner: 1.5 }",
                "1:18: found the number 1.5 for `owner`, expected the name or number of a user"
            ),
            (
                "listen: { backlog: 0 }",
                "1:20: found the number 0 for `backlog`, expected a whole number from 1 to 65535"
            ),
            (
                "listen: { allow: 127.0.0.1 }",
                "1:18: found `127.0.0.1` for `allow`, expected a list of addresses and networks such as "
                    + "[10.0.0.0/8]"
            ),
            ("listen: { allow: [localhost] }", "1:19: found `localhost` for `allow`, \(network)"),
            (
                "listen: { allow: [10.0.0.0/x] }",
                "1:19: found `10.0.0.0/x` for `allow`, expected a network's length from 0 to 32 "
                    + "after the slash"
            ),
            (
                "listen: { allow: [10.0.0.0/33] }",
                "1:19: found `10.0.0.0/33` for `allow`, expected a network's length from 0 to 32 "
                    + "after the slash"
            ),
            (
                "listen: { allow: [10.0.0.1/8] }",
                "1:19: found `10.0.0.1/8` for `allow`, expected 10.0.0.0/8, or 10.0.0.1 for that address"
            ),
            (
                "listen: { allow: [\"fd00::1/64\"] }",
                "1:19: found `fd00::1/64` for `allow`, expected fd00::/64, or fd00::1 for that address"
            ),
            (
                "listen: { allow-users: www-data }",
                "1:24: found `www-data` for `allow-users`, expected a list of users such as [www-data]"
            ),
            (
                "listen: { address: 127.0.0.1:80, allow-users: [root] }",
                "1:34: `allow-users` applies to Unix sockets only, but `address` is `127.0.0.1:80`"
            ),
            (
                "listen: { address: /a.sock, allow: [127.0.0.1] }",
                "1:29: `allow` applies to TCP sockets only, but `address` is `/a.sock`"
            ),
            (
                "status: {}",
                "1:9: `status` has no `listen`, expected a Unix path such as /run/app.sock, "
                    + "host:port or [ipv6]:port"
            ),
            ("status: on", "1:9: found `on` for `status`, \(address)"),
            (
                "listen: /a.sock\nstatus: /a.sock",
                "2:9: found `/a.sock` for `status`, expected an address other than that of the "
                    + "application's own socket"
            ),
        ])
    func wrongSocket(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }

    @Test("A Unix path must fit into a socket's address")
    func longPath() {
        let path = "/" + String(repeating: "a", count: 106)
        #expect(mistakes(manifest("listen: \(path)")) == [])
        let said = mistakes(manifest("listen: \(path)b"))
        #expect(said.count == 1)
        #expect(said.first?.hasSuffix("expected a Unix path of at most 107 bytes") == true)
    }

    @Test(
        "A wrong setting is reported with what was found and what was expected",
        arguments: [
            (
                "processes: 2",
                "1:12: found the number 2 for `processes`, expected a mapping with the keys count, "
                    + "max-requests, max-memory or watchdog"
            ),
            (
                "processes: { count: 0 }",
                "1:21: found the number 0 for `count`, expected a whole number from 1 to 1024"
            ),
            (
                "processes: { watchdog: 2s }",
                "1:24: found `2s` for `watchdog`, expected at least 3s"
            ),
            (
                "processes: { max-requests: 0 }",
                "1:28: found the number 0 for `max-requests`, expected a whole number from 1 to 1000000000"
            ),
            (
                "processes: { max-memory: 512 }",
                "1:26: found the number 512 for `max-memory`, expected at least 1MiB"
            ),
            ("overload: { when-busy: drop }", "1:24: found `drop` for `when-busy`, expected wait or refuse"),
            (
                "overload: { wait: 1s }",
                "1:13: found `wait` without `when-busy`, expected `when-busy: refuse` with it"
            ),
            (
                "overload: { when-busy: refuse, retry-after: 0s }",
                "1:45: found `0s` for `retry-after`, expected at least 1s"
            ),
            (
                "overload: { when-busy: refuse, retry-after: 1500ms }",
                "1:45: found `1500ms` for `retry-after`, expected whole seconds such as 5s"
            ),
        ])
    func wrongSetting(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }
}
