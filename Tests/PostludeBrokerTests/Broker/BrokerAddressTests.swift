import Testing

@testable import PostludeBroker

@Suite struct BrokerAddressTests {
    @Test func `RabbitMQ's URLs are parsed`() throws {
        let address = try BrokerAddress(
            "amqp://us%40er:p%3Aw@[::1]:5673/my%2Fhost?heartbeat=5&connection_timeout=1500")
        #expect(address.kind == .rabbitMQ)
        #expect(address.user == "us@er" && address.password == "p:w")
        #expect(address.host == "::1" && address.port == 5673)
        #expect(address.virtualHost == "my/host")
        #expect(address.heartbeat == 5 && address.connectTimeout == .milliseconds(1_500))
        #expect(!address.description.contains("p:w"))
        for url in [
            "amqp://", "amqp://localhost", "pyamqp://localhost/", "amqp://localhost//",
            "amqp://localhost:5672/%2f",
        ] {
            let plain = try BrokerAddress(url)
            #expect(plain.host == "localhost" && plain.port == 5672 && plain.virtualHost == "/", "\(url)")
        }
        let tls = try BrokerAddress("amqps://h/?cacertfile=/etc/ca.pem&verify=verify_none")
        #expect(tls.port == 5671 && tls.tls?.authorities == "/etc/ca.pem" && tls.tls?.isVerifying == false)
    }

    @Test func `Redis' URLs are parsed`() throws {
        let address = try BrokerAddress("redis://:word@host/7?global_keyprefix=site%3A")
        #expect(
            address.user == nil && address.password == "word" && address.database == 7
                && address.keyPrefix == "site:")
        #expect(address.port == 6379)
        let socket = try BrokerAddress("redis+socket:///run/redis.sock?virtual_host=2")
        #expect(socket.socketPath == "/run/redis.sock" && socket.database == 2)
        #expect(try BrokerAddress("unix:///run/redis.sock").socketPath == "/run/redis.sock")
    }

    @Test(arguments: [
        "", "localhost", "http://host", "amqp://host:port", "amqp://host:0", "redis://host/x",
        "redis://host/-1", "amqp://h/?nonsense=1",
        "amqp://h/?cacertfile=x", "redis://h/?heartbeat=1", "amqp://h/?heartbeat=0", "amqp://h%00x/",
        "amqp://h/%zz", "redis+socket://",
        "amqps://h/?verify=maybe", "redis://h/0#x", "amqp://h/?connection_timeout=-1", "redis://:%ff@h/",
    ])
    func `Text that is not an address is refused with an example`(url: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
        #expect(error?.remedy == .settings)
        #expect(error?.code == .address)
    }

    @Test(arguments: [
        ("redis://[::1:6379/0", "[ without a ]"), ("amqp://[::1", "[ without a ]"),
        ("redis://::1]:6379/0", "more than one :"), ("redis://h]:6379/0", "\"]\" in its host"),
        ("redis://::1/0", "write an IPv6 address as [::1]"), ("amqp://a:1:2/", "more than one :"),
        ("redis://[host]:6379/0", "no IPv6 address"), ("redis://[]/0", "no host"),
        ("redis://[::1]x/0", "after the ]"), ("redis://[::1]6379/0", "after the ]"),
        ("redis://[[::1]]:6379/0", "after the ]"), ("redis://[::1]:/0", "a port"),
        ("redis://h:/0", "a port"), ("redis://h:+5/0", "a port"), ("redis://h:65536/0", "a port"),
        ("redis://h: 1/0", "a port"), ("redis://:6379/0", "no host"), ("redis://:secret@/0", "no host"),
        ("amqp://me@:5672/", "no host"), ("redis://a b/0", "\" \" in its host"),
        ("redis://a%0ab/0", "in its host"), ("redis://<host>/0", "\"<\" in its host"),
        ("redis://h/+1", "a database"), ("redis://h/0/1", "a database"), ("redis://h/0?db=-1", "a database"),
        ("amqp://h/?heartbeat=+5", "a heartbeat"), ("redis+socket://run/redis.sock", "redis+socket:///path"),
    ])
    func `An error names the wrong part of a URL`(url: String, part: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
        #expect(error?.code == .address && error?.remedy == .settings)
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("secret") == false)
    }

    @Test(
        arguments: [
            ("redis://[fe80::1%25eth0]:1/0", "fe80::1%eth0", 1),
            ("redis://[::ffff:10.0.0.1]/0", "::ffff:10.0.0.1", 6379),
            ("amqp://my_host.example./", "my_host.example.", 5672),
            ("redis://bücher.example:06379/0", "bücher.example", 6379),
            ("redis:///3", "localhost", 6379),
        ] as [(String, String, UInt16)])
    func `Unusual but valid paths are accepted`(url: String, host: String, port: UInt16) throws {
        let address = try BrokerAddress(url)
        #expect(address.host == host && address.port == port)
    }

    @Test(arguments: [
        "amqp://u:hunter2@host:x/", "redis://:hunter2@h/0?a=b", "rediss://:hunter2@h/",
        "amqp://u:hun@ter2@h/?heartbeat=no",
        // Without a scheme, or with another text before ://.
        "user:hunter2@host", "amqp:/user:hunter2@host", "amqp:user:hunter2@host/vhost", ":hunter2@host",
        "amqp:u:hunter2@h://x", "hunter2@h://x", "://u:hunter2@h", "http://u:hunter2@h",
        // Without a colon before the password, or without a host after it.
        "redis://hunter2@h/x", "amqp://user:hunter2", "amqp://user:hunter2/vhost", "redis://:hunter2",
        // With unescaped characters, and in a setting.
        "amqp://u:hunt/er2@h:x", "amqp://u:12?hunter2@h", "amqp://u:12?hunter2=1@h", "amqp://u:12#hunter2@h",
        "amqp://u:12?hunter2",
        "amqp://u:12?&hunter2&@h", "redis://h/0?password=hunter2", "redis://h/0?password=x@hunter2",
        "redis://h/0?hunter2@h=1", "redis://u:p@h/0?password=hunter2", "redis://u:p@h/0#hunter2",
    ])
    func `An error does not show a password`(url: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
        #expect(error?.description.contains("hun") == false, "\(error?.description ?? "")")
        #expect(error?.description.contains("ter2") == false, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("localhost:5672", "the broker's URL … has no scheme"),
        ("http://host", "the broker's URL http://host has the unknown scheme \"http\""),
        ("amqp://u:p@h:1x/v?heartbeat=5", "the broker's URL amqp://u:…@h:1x/v?… has a port"),
        ("redis://h:6379/x", "the broker's URL redis://h:6379/x has a database"),
        ("amqp://h/?beat=1", "the broker's URL amqp://h/?… has the unknown setting \"beat\""),
    ])
    func `An error shows the rest of the URL`(url: String, text: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
        #expect(error?.description.hasPrefix(text) == true, "\(error?.description ?? "")")
    }

    @Test func `The description of Redis has a user only with a password`() throws {
        #expect(try BrokerAddress("redis://hunter2@host").description == "redis://…@host:6379/0")
        #expect(try BrokerAddress("redis://me:hunter2@host").description == "redis://me@host:6379/0")
        #expect(try BrokerAddress("amqp://me@host").description == "amqp://me@host:5672")
    }

    @Test func `TLS to Redis is refused, and the error suggests an alternative`() {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress("rediss://host/0") }
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains("hiredis") == true)
    }

    @Test func `Priorities mean the same on both brokers`() {
        #expect(MessagePriority.high.onRabbitMQ > MessagePriority.normal.onRabbitMQ)
        #expect(MessagePriority.normal.onRabbitMQ > MessagePriority.low.onRabbitMQ)
        #expect(MessagePriority.high.onRedis < MessagePriority.normal.onRedis)
        #expect(MessagePriority.normal.onRedis < MessagePriority.low.onRedis)
    }
}
