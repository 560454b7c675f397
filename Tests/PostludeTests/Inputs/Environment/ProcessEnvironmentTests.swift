import Foundation
import Testing

@testable import Postlude

@Suite("ProcessEnvironment")
struct ProcessEnvironmentTests {
    private struct Settings: InputFields {
        @Field(summary: "The mail server") var smtpHost: String
        @Field(1...65_535) var smtpPort = 25
        @Field(name: "DATABASE_URL") var database: URL?
        @Field var adminAddresses: [EmailAddress] = []
        @Field(12...) var apiKey: String?
    }

    private func decode(_ variables: [String: String], prefix: String = "") throws -> Settings {
        try ProcessEnvironment.decode(Settings.self, prefix: prefix, from: variables)
    }

    @Test("a property takes the variable of its name, with the prefix")
    func values() throws {
        let settings = try decode(
            [
                "APP_SMTP_HOST": "mail.example", "APP_SMTP_PORT": "587", "APP_DATABASE_URL": "db://a",
                "APP_ADMIN_ADDRESSES": "a@b.example, c@d.example", "SMTP_HOST": "other",
            ], prefix: "APP_")
        #expect(settings.smtpHost == "mail.example")
        #expect(settings.smtpPort == 587)
        #expect(settings.database?.scheme == "db")
        #expect(settings.adminAddresses.map(\.local) == ["a", "c"])
        #expect(settings.apiKey == nil)
    }

    @Test("a name that a field gives is the variable's, with the prefix")
    func givenNames() throws {
        struct Proxies: InputFields {
            @Field(name: "http_proxy") var plain: String
            @Field(name: "httpsProxy") var secure: String?
            @Field var noProxy: String?
        }
        for prefix in ["", "APP_"] {
            let variables = [
                "http_proxy": "a", "HTTP_PROXY": "b", "httpsProxy": "c", "HTTPS_PROXY": "d", "NO_PROXY": "e",
                "no_proxy": "f",
            ]
            let proxies = try ProcessEnvironment.decode(
                Proxies.self, prefix: prefix,
                from: Dictionary(uniqueKeysWithValues: variables.map { (prefix + $0.key, $0.value) }))
            #expect(proxies.plain == "a" && proxies.secure == "c" && proxies.noProxy == "e")
        }
        let error = #expect(throws: EnvironmentError.self) {
            try ProcessEnvironment.decode(Proxies.self, prefix: "APP_", from: ["APP_HTTP_PROXY": "b"])
        }
        #expect(error?.problems == [.init(variable: "APP_http_proxy", message: "is not set")])
    }

    @Test("a default replaces a variable that is not set, or is empty")
    func defaults() throws {
        #expect(try decode(["SMTP_HOST": "a", "SMTP_PORT": ""]).smtpPort == 25)
    }

    @Test("the error has every mistake, by the variable's name, and no value")
    func mistakes() throws {
        let error = #expect(throws: EnvironmentError.self) {
            try decode(
                [
                    "APP_SMTP_PORT": "70000", "APP_ADMIN_ADDRESSES": "a@b.example,nobody",
                    "APP_API_KEY": "s3cr3t",
                ], prefix: "APP_")
        }
        #expect(
            error?.description == """
                The environment is incomplete or wrong. Set or correct these variables, and start again:
                  APP_SMTP_HOST: is not set (The mail server)
                  APP_SMTP_PORT: Input should be less than or equal to 65535
                  APP_ADMIN_ADDRESSES: element 2: value is not a valid email address
                  APP_API_KEY: String should have at least 12 characters
                """)
    }

    @Test("an application type's own text is omitted if it shows the value")
    func secrets() {
        struct Key: Decodable, Sendable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                let text = try container.decode(String.self)
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "\"\(text)\" is not a key")
            }
        }
        struct Keys: InputFields { @Field var key: Key }
        let error = #expect(throws: EnvironmentError.self) {
            try ProcessEnvironment.decode(Keys.self, prefix: "", from: ["KEY": "s3cr3t"])
        }
        #expect(
            error?.problems == [.init(variable: "KEY", message: "Input should be a valid value")])
    }

    @Test("a plain type is decoded too, from the process's own environment")
    func plain() throws {
        struct Plain: Decodable { var path: String }
        let path = ProcessInfo.processInfo.environment["PATH"]
        #expect(try ProcessEnvironment.decode(Plain.self).path == path)
        #expect(throws: EnvironmentError.self) {
            try ProcessEnvironment.decode(Plain.self, prefix: "POSTLUDE_NO_SUCH_")
        }
    }
}
