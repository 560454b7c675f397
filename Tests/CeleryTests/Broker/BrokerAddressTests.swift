import Testing

@testable import Celery

@Suite struct BrokerAddressTests {
    @Test func `RabbitMQ's URLs`() throws {
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

    @Test func `Redis' URLs`() throws {
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
    func `what is no address is refused with an example`(url: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
        #expect(error?.remedy == .settings)
        #expect(error?.code == .address)
    }

    @Test func `no error shows a password`() {
        for url in [
            "amqp://u:hunter2@host:x/", "redis://:hunter2@h/0?a=b", "rediss://:hunter2@h/",
            "amqp://u:hun@ter2@h/?heartbeat=no",
        ] {
            let error = #expect(throws: BrokerError.self) { try BrokerAddress(url) }
            #expect(error?.description.contains("hun") == false, "\(error?.description ?? "")")
        }
    }

    @Test func `TLS to Redis is refused with what to do instead`() {
        let error = #expect(throws: BrokerError.self) { try BrokerAddress("rediss://host/0") }
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains("hiredis") == true)
    }

    @Test func `priorities mean the same on both brokers`() {
        #expect(MessagePriority.high.onRabbitMQ > MessagePriority.normal.onRabbitMQ)
        #expect(MessagePriority.normal.onRabbitMQ > MessagePriority.low.onRabbitMQ)
        #expect(MessagePriority.high.onRedis < MessagePriority.normal.onRedis)
        #expect(MessagePriority.normal.onRedis < MessagePriority.low.onRedis)
    }
}
