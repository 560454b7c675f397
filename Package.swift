// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "postlude",
    products: [
        .library(name: "Postlude", targets: ["Postlude"]),
        .library(name: "PostludeCelery", targets: ["PostludeCelery"]),
        .library(name: "PostludeDurable", targets: ["PostludeDurable"]),
        .library(name: "PostludeTesting", targets: ["PostludeTesting"]),
        .executable(name: "guide", targets: ["PostludeGuideExample"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CFastCGI", pkgConfig: "fcgi", providers: [.apt(["libfcgi-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(
            name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        // Its .pc file holds a flag that SwiftPM refuses.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "CLinux"),
        .target(name: "Dates", swiftSettings: strict),
        .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "FastCGI", dependencies: ["CFastCGI", "Linux"], swiftSettings: strict),
        .target(name: "PCRE", dependencies: ["CPCRE2"], swiftSettings: strict),
        .target(
            name: "Routing",
            dependencies: ["PCRE", .product(name: "HTTPTypes", package: "swift-http-types")],
            swiftSettings: strict),
        .target(
            name: "Manifest",
            dependencies: [
                "Routing",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("manifest.schema.json")],
            swiftSettings: strict),
        .target(
            name: "Celery", dependencies: ["CHiredis", "CRabbitMQ", "Dates", "Linux"], swiftSettings: strict),
        .target(name: "Scoreboard", dependencies: ["Linux"], swiftSettings: strict),
        .target(name: "Workers", dependencies: ["Linux"], swiftSettings: strict),
        .target(name: "Supervision", dependencies: ["CLinux", "Linux"], swiftSettings: strict),
        .target(
            name: "Journal",
            dependencies: [
                "Dates", "Linux", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .target(
            name: "Postlude",
            dependencies: [
                "Dates", "FastCGI", "Linux", "Manifest", "PCRE", "Routing", "Scoreboard", "Supervision",
                "Workers",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict),
        .target(
            name: "PostludeDurable",
            dependencies: [
                "Dates", "Journal", "Linux", "Manifest", "Postlude", "Routing", "Workers",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "PostludeCelery",
            dependencies: [
                "Celery", "Dates", "Journal", "Linux", "Manifest", "Postlude", "PostludeDurable", "Workers",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "PostludeTesting",
            dependencies: [
                "FastCGI", "Manifest", "Postlude",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // Examples
        .target(
            name: "PostludeExamplePages",
            dependencies: ["Postlude", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: "examples/pages", swiftSettings: strict),
        .executableTarget(
            name: "PostludeGuideExample",
            dependencies: [
                "Postlude", "PostludeExamplePages", .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "examples/guide", exclude: ["README.md", "routes.yaml"], swiftSettings: strict),
        .systemLibrary(
            name: "CCurl", path: "examples/mailing/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(
            name: "Mailing",
            dependencies: ["CCurl", "Postlude", .product(name: "Logging", package: "swift-log")],
            path: "examples/mailing", exclude: ["CCurl"], swiftSettings: strict),
        .executableTarget(
            name: "notifications",
            dependencies: [
                "Mailing", "Postlude", "PostludeExamplePages",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "examples/notifications", exclude: ["README.md", "routes.yaml"],
            swiftSettings: strict),
        .systemLibrary(
            name: "CGD", path: "examples/uploads/CGD", providers: [.apt(["libgd-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "examples/uploads/COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
        .executableTarget(
            name: "uploads",
            dependencies: [
                "CGD", "COpenSSL", "Postlude", "PostludeExamplePages",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "examples/uploads", exclude: ["CGD", "COpenSSL", "README.md", "routes.yaml"],
            swiftSettings: strict),
        .target(
            name: "Storage", dependencies: [.product(name: "GRDB", package: "GRDB.swift")],
            path: "examples/storage", swiftSettings: strict),
        .executableTarget(
            name: "settings",
            dependencies: [
                "Postlude", "PostludeExamplePages", "Storage",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "examples/settings", exclude: ["README.md", "routes.yaml"], swiftSettings: strict),
        .executableTarget(
            name: "analytics",
            dependencies: [
                "Postlude", "PostludeExamplePages", "Storage",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "examples/analytics", exclude: ["README.md", "routes.yaml"], swiftSettings: strict),

        .executableTarget(
            name: "orders",
            dependencies: [
                "Mailing", "Postlude", "PostludeCelery", "PostludeDurable", "PostludeExamplePages", "Storage",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "examples/orders", exclude: ["README.md", "routes.yaml"], swiftSettings: strict),

        // Tests: one target a module, then from outside
        .testTarget(name: "FastCGITests", dependencies: ["FastCGI", "Linux"], swiftSettings: strict),
        .testTarget(name: "PCRETests", dependencies: ["PCRE"], swiftSettings: strict),
        .testTarget(
            name: "RoutingTests",
            dependencies: ["Routing", "PCRE", .product(name: "HTTPTypes", package: "swift-http-types")],
            swiftSettings: strict),
        .target(
            name: "Spawning", dependencies: ["Linux", "Supervision"], path: "Tests/Spawning",
            swiftSettings: strict),
        .testTarget(
            name: "SpawningTests", dependencies: ["JournalTestbed", "Spawning", "Supervision"],
            swiftSettings: strict),
        .testTarget(
            name: "ManifestTests",
            dependencies: [
                "Manifest", "Routing", "Spawning",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "CeleryTestbed", dependencies: ["Celery"], path: "Tests/CeleryTestbed",
            swiftSettings: strict),
        .target(
            name: "BrokerFixtures", dependencies: ["Linux", "Spawning", "Supervision"],
            path: "Tests/BrokerFixtures", swiftSettings: strict),
        .testTarget(
            name: "CeleryTests",
            dependencies: ["BrokerFixtures", "Celery", "CeleryTestbed", "Linux", "Spawning"],
            swiftSettings: strict),
        .testTarget(name: "SupervisionTests", dependencies: ["Linux", "Supervision"], swiftSettings: strict),
        .testTarget(
            name: "ScoreboardTests", dependencies: ["Linux", "Scoreboard", "Workers"], swiftSettings: strict),
        .executableTarget(
            name: "JournalTestbed", dependencies: ["Journal"], path: "Tests/JournalTestbed",
            swiftSettings: strict),
        .testTarget(
            name: "JournalTests",
            dependencies: [
                "Dates", "Journal", "JournalTestbed", "Linux", "Spawning", "Supervision",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Interpose"], swiftSettings: strict),
        .testTarget(name: "DatesTests", dependencies: ["Dates"], swiftSettings: strict),
        .testTarget(name: "WorkersTests", dependencies: ["Linux", "Workers"], swiftSettings: strict),
        .testTarget(
            name: "PostludeTests",
            dependencies: [
                "Dates", "FastCGI", "Linux", "Manifest", "Postlude", "Routing", "Scoreboard", "Workers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PostludeTestingTests",
            dependencies: [
                "Postlude", "PostludeTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "Testbed",
            dependencies: ["Postlude", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: "Tests/Testbed", swiftSettings: strict),
        .testTarget(
            name: "PostludeDurableTests",
            dependencies: [
                "Journal", "Linux", "Manifest", "Postlude", "PostludeDurable", "PostludeTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "DurableTestbed",
            dependencies: [
                "Postlude", "PostludeDurable", .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Tests/DurableTestbed", swiftSettings: strict),
        .testTarget(
            name: "PostludeCeleryTests",
            dependencies: [
                "BrokerFixtures", "Celery", "Journal", "Manifest", "Postlude", "PostludeCelery",
                "PostludeDurable",
                "PostludeTesting", .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "BrokerTestbed",
            dependencies: [
                "Postlude", "PostludeCelery", "PostludeDurable",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Tests/BrokerTestbed", swiftSettings: strict),
        .executableTarget(
            name: "LifecycleTestbed",
            dependencies: [
                "Postlude",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Tests/LifecycleTestbed", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "BrokerFixtures", "BrokerTestbed", "DurableTestbed", "LifecycleTestbed", "PostludeTesting",
                "PostludeGuideExample", "Spawning", "Supervision", "Testbed",
                "analytics", "notifications", "orders", "settings", "uploads",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Interpose"],
            swiftSettings: strict),

        // Tests/benchmark
        .executableTarget(
            name: "BenchmarkApplication", dependencies: ["Postlude"],
            path: "Tests/BenchmarkSuite/Application",
            exclude: ["routes.yaml"], swiftSettings: strict),
        .executableTarget(
            name: "RouteBenchmark",
            dependencies: ["Routing", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: "Tests/BenchmarkSuite/Routes", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// POSTLUDE_TESTS="JournalTests WorkersTests" declares those test targets and what they need, so that they build alone.
if let names = Context.environment["POSTLUDE_TESTS"], !names.isEmpty {
    var needed: Set<String> = []
    var rest = names.split(whereSeparator: { " ,".contains($0) }).map(String.init)
    rest += package.products.compactMap { ($0 as? Product.Library)?.targets }.flatMap(\.self)
    while let name = rest.popLast() {
        guard needed.insert(name).inserted else { continue }
        guard let target = package.targets.first(where: { $0.name == name }) else {
            fatalError("POSTLUDE_TESTS: there is no target \(name)")
        }
        rest += target.dependencies.compactMap { dependency in
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): name
            default: nil
            }
        }
    }
    package.targets.removeAll { !needed.contains($0.name) }
    package.products.removeAll { product in
        (product as? Product.Executable)?.targets.contains { !needed.contains($0) } == true
    }
}
