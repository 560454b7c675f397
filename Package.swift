// swift-tools-version: 6.2
import PackageDescription

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")

/// A C library that a Debian package has.
func library(_ name: String, pkgConfig: String? = nil, in folder: String = "Sources/C", of package: String)
    -> Target
{
    .systemLibrary(
        name: name, path: "\(folder)/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A module behind the public ones.
func part(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Parts/\(name)", resources: resources)
}

/// A program of the examples.
func example(_ name: String, in folder: String, _ dependencies: [Target.Dependency], exclude: [String] = [])
    -> Target
{
    .executableTarget(
        name: name, dependencies: ["Postlude", "PostludeExamplePages"] + dependencies,
        path: "examples/\(folder)", exclude: exclude + ["README.md", "routes.yaml"])
}

/// A program that tests start.
func testbed(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Tests/\(name)")
}

let libraries: [Target] = [
    .target(name: "CPostludeLinux", path: "Sources/C/CPostludeLinux"),
    library("CPostludeFastCGI", pkgConfig: "fcgi", of: "libfcgi-dev"),
    // Its .pc file holds a flag that SwiftPM refuses.
    library("CPostludeHiredis", of: "libhiredis-dev"),
    library("CPostludePCRE2", pkgConfig: "libpcre2-8", of: "libpcre2-dev"),
    library("CPostludePostgreSQL", pkgConfig: "libpq", of: "libpq-dev"),
    library("CPostludeRabbitMQ", pkgConfig: "librabbitmq", of: "librabbitmq-dev"),
    library("CPostludeYAML", pkgConfig: "yaml-0.1", of: "libyaml-dev"),
]

let parts: [Target] = [
    part(
        "PostludeBroker",
        ["CPostludeHiredis", "CPostludeRabbitMQ", "PostludeDates", "PostludeJSON", "PostludeSystem"]),
    part("PostludeDates"),
    part("PostludeFastCGI", ["CPostludeFastCGI", "PostludeSystem", deque]),
    part("PostludeJSON"),
    part(
        "PostludeLogOutput",
        ["PostludeFastCGI", "PostludeJSON", "PostludeManifest", "PostludeRouting", "PostludeSystem", logging]),
    part(
        "PostludeManifest", ["CPostludeYAML", "PostludeRouting", httpTypes, logging],
        resources: [.embedInCode("manifest.schema.json")]),
    part("PostludeNginxSite", ["PostludeManifest", "PostludeRouting"]),
    part("PostludePCRE", ["CPostludePCRE2"]),
    part(
        "PostludePostgreSQLStore",
        [
            "CPostludePostgreSQL", "PostludeDates", "PostludeJSON", "PostludeSystem", "PostludeTaskStore",
            "PostludeThreads",
        ]),
    part("PostludeRouting", ["PostludePCRE", httpTypes]),
    part("PostludeSQLiteStore", ["PostludeSystem", "PostludeTaskStore", grdb, grdbSQLite]),
    part("PostludeScoreboard", ["PostludeSystem"]),
    part("PostludeSupervision", ["CPostludeLinux", "PostludeSystem"]),
    part("PostludeSystem", ["CPostludeLinux"]),
    part("PostludeTaskStore", ["PostludeDates", "PostludeSystem"]),
    part("PostludeThreads", ["PostludeSystem"]),
]

let products: [Target] = [
    .target(
        name: "Postlude",
        dependencies: [
            "PostludeDates", "PostludeFastCGI", "PostludeJSON", "PostludeLogOutput", "PostludeManifest",
            "PostludeNginxSite", "PostludePCRE", "PostludeRouting", "PostludeScoreboard",
            "PostludeSupervision", "PostludeSystem", "PostludeThreads", argumentParser, deque, httpTypes,
            logging, metrics, serviceLifecycle, tracing,
        ],
        resources: [
            "page.html", "commonmark.js", "documentation.css", "documentation.html", "documentation.js",
            "status.css", "status.html", "status-elements.js", "status-plots.js", "status-search.js",
            "status-tasks.js",
            "status.js", "status.schema.json",
        ].map { .embedInCode("Resources/\($0)") }),
    .target(
        name: "PostludeDurable",
        dependencies: [
            "Postlude", "PostludeJSON", "PostludeLogOutput", "PostludeManifest", "PostludeRouting",
            "PostludeSQLiteStore", "PostludeSystem", "PostludeTaskStore", "PostludeThreads", argumentParser,
            grdb, httpTypes,
            logging,
        ]),
    .target(
        name: "PostludeCelery",
        dependencies: [
            "Postlude", "PostludeBroker", "PostludeDurable", "PostludeManifest", "PostludeSystem",
            "PostludeTaskStore", "PostludeThreads", argumentParser, logging,
        ]),
    .target(
        name: "PostludePostgres",
        dependencies: [
            "Postlude", "PostludeDates", "PostludeDurable", "PostludePostgreSQLStore", "PostludeSQLiteStore",
            "PostludeTaskStore", grdb,
        ]),
    .target(
        name: "PostludeTesting",
        dependencies: [
            "Postlude", "PostludeFastCGI", "PostludeManifest", "PostludeSystem", httpTypes, logging,
        ]),
]

let examples: [Target] = [
    library("CPostludeCurl", pkgConfig: "libcurl", in: "examples/mailing", of: "libcurl4-openssl-dev"),
    library("CPostludeGD", in: "examples/uploads", of: "libgd-dev"),
    library("CPostludeOpenSSL", pkgConfig: "libcrypto", in: "examples/uploads", of: "libssl-dev"),
    .target(name: "PostludeExamplePages", dependencies: ["Postlude"], path: "examples/pages"),
    .target(
        name: "PostludeExampleMailing", dependencies: ["CPostludeCurl", "Postlude", logging],
        path: "examples/mailing", exclude: ["CPostludeCurl"]),
    .target(name: "PostludeExampleStorage", dependencies: [grdb], path: "examples/storage"),
    example("PostludeGuideExample", in: "guide", []),
    example("PostludeNotificationsExample", in: "notifications", ["PostludeExampleMailing", logging]),
    example(
        "PostludeUploadsExample", in: "uploads", ["CPostludeGD", "CPostludeOpenSSL", "PostludeDurable"],
        exclude: ["CPostludeGD", "CPostludeOpenSSL"]),
    example("PostludeSettingsExample", in: "settings", ["PostludeExampleStorage", grdb]),
    example("PostludeAnalyticsExample", in: "analytics", ["PostludeExampleStorage", grdb]),
    example(
        "PostludeOrdersExample", in: "orders",
        ["PostludeCelery", "PostludeDurable", "PostludeExampleMailing", "PostludePostgres"]),
    example(
        "PostludeExportsExample", in: "exports",
        ["PostludeDurable", "PostludeExampleStorage", "PostludePostgres", grdb]),
]

// The end-to-end tests start these programs. With POSTLUDE_PROGRAMS, a folder, they start those of another build.
let startedPrograms: [Target.Dependency] =
    Context.environment["POSTLUDE_PROGRAMS", default: ""].isEmpty
    ? [
        "PostludeAnalyticsExample", "PostludeCeleryTestbed", "PostludeDurableTestbed", "PostludeGuideExample",
        "PostludeLifecycleTestbed", "PostludeNotificationsExample", "PostludeTestbed",
        "PostludeUploadsExample",
    ]
    : []

// One target of tests a module, what they share and start, and those from outside.
let tests: [Target] = [
    .target(
        name: "PostludeSpawning", dependencies: ["PostludeSupervision", "PostludeSystem"],
        path: "Tests/PostludeSpawning"),
    .target(
        name: "PostludeBrokerFixtures",
        dependencies: ["PostludeSpawning", "PostludeSupervision", "PostludeSystem"],
        path: "Tests/PostludeBrokerFixtures"),
    .target(
        name: "PostludeRecordStoreFixtures",
        dependencies: [
            "PostludePostgreSQLStore", "PostludeSQLiteStore", "PostludeSpawning", "PostludeSupervision",
            "PostludeSystem", "PostludeTaskStore", grdb,
        ],
        path: "Tests/PostludeRecordStoreFixtures", exclude: ["Interpose"]),
    testbed("PostludeBrokerTestbed", ["PostludeBroker"]),
    testbed("PostludeCeleryTestbed", ["Postlude", "PostludeCelery", "PostludeDurable"]),
    testbed("PostludeDurableTestbed", ["Postlude", "PostludeDurable", "PostludePostgres", grdb]),
    testbed(
        "PostludeLifecycleTestbed",
        [
            "Postlude", logging, serviceLifecycle,
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ]),
    testbed(
        "PostludeTaskStoreTestbed",
        ["PostludeRecordStoreFixtures", "PostludeSQLiteStore", "PostludeTaskStore", grdb]),
    testbed("PostludeTestbed", ["Postlude", logging]),
    .testTarget(
        name: "PostludeBrokerTests",
        dependencies: [
            "PostludeBroker", "PostludeBrokerFixtures", "PostludeBrokerTestbed", "PostludeSpawning",
            "PostludeSystem",
        ]),
    .testTarget(
        name: "PostludeCeleryTests",
        dependencies: [
            "Postlude", "PostludeBroker", "PostludeCelery", "PostludeDurable", "PostludeManifest",
            "PostludeSystem", "PostludeTaskStore", "PostludeTesting", httpTypes, logging,
        ]),
    .testTarget(name: "PostludeDatesTests", dependencies: ["PostludeDates"]),
    .testTarget(
        name: "PostludeDurableTests",
        dependencies: [
            "Postlude", "PostludeDurable", "PostludeFastCGI", "PostludeManifest",
            "PostludeRecordStoreFixtures", "PostludeSQLiteStore", "PostludeSystem", "PostludeTaskStore",
            "PostludeTesting", grdb, httpTypes, logging,
        ]),
    .testTarget(
        name: "PostludeEndToEndTests",
        dependencies: startedPrograms + [
            "Postlude", "PostludeBrokerFixtures", "PostludeDurable", "PostludeExportsExample",
            "PostludeOrdersExample",
            "PostludeRecordStoreFixtures", "PostludeSettingsExample", "PostludeSpawning",
            "PostludeSupervision", "PostludeSystem", "PostludeTesting", grdb, httpTypes,
        ],
        exclude: ["Interpose"]),
    .testTarget(name: "PostludeFastCGITests", dependencies: ["PostludeFastCGI", "PostludeSystem"]),
    .testTarget(name: "PostludeJSONTests", dependencies: ["PostludeJSON"]),
    .testTarget(
        name: "PostludeLogOutputTests",
        dependencies: [
            "PostludeFastCGI", "PostludeLogOutput", "PostludeManifest", "PostludeSystem", logging,
        ]),
    .testTarget(
        name: "PostludeManifestTests",
        dependencies: ["PostludeManifest", "PostludeRouting", "PostludeSpawning", httpTypes, logging]),
    .testTarget(name: "PostludeNginxSiteTests", dependencies: ["PostludeManifest", "PostludeNginxSite"]),
    .testTarget(name: "PostludePCRETests", dependencies: ["PostludePCRE"]),
    .testTarget(
        name: "PostludePostgreSQLStoreTests",
        dependencies: [
            "PostludePostgreSQLStore", "PostludeRecordStoreFixtures", "PostludeSpawning",
            "PostludeSupervision", "PostludeTaskStore", "PostludeTaskStoreTestbed",
        ]),
    .testTarget(
        name: "PostludePostgresTests",
        dependencies: [
            "Postlude", "PostludeDurable", "PostludePostgres", "PostludePostgreSQLStore",
            "PostludeRecordStoreFixtures", "PostludeSystem", "PostludeTaskStore", "PostludeTesting", grdb,
            httpTypes, logging,
        ]),
    .testTarget(
        name: "PostludeRoutingTests", dependencies: ["PostludeRouting", "PostludeSystem", httpTypes]),
    .testTarget(
        name: "PostludeSQLiteStoreTests",
        dependencies: [
            "PostludeRecordStoreFixtures", "PostludeSQLiteStore", "PostludeSpawning", "PostludeSupervision",
            "PostludeSystem", "PostludeTaskStore", "PostludeTaskStoreTestbed", grdb, grdbSQLite,
        ],
        exclude: ["Interpose"]),
    .testTarget(
        name: "PostludeScoreboardTests",
        dependencies: ["PostludeScoreboard", "PostludeSystem", "PostludeThreads"]),
    .testTarget(
        name: "PostludeSpawningTests",
        dependencies: ["PostludeSpawning", "PostludeSupervision", "PostludeTaskStoreTestbed"]),
    .testTarget(name: "PostludeSupervisionTests", dependencies: ["PostludeSupervision", "PostludeSystem"]),
    .testTarget(name: "PostludeSystemTests", dependencies: ["PostludeSystem"]),
    .testTarget(
        name: "PostludeTaskStoreTests",
        dependencies: [
            "PostludeDates", "PostludeRecordStoreFixtures", "PostludeSystem", "PostludeTaskStore",
            "PostludeTaskStoreTestbed", "PostludeTesting",
        ]),
    .testTarget(
        name: "PostludeTestingTests", dependencies: ["Postlude", "PostludeSystem", "PostludeTesting"]),
    .testTarget(
        name: "PostludeTests",
        dependencies: [
            "Postlude", "PostludeDates", "PostludeFastCGI", "PostludeJSON", "PostludeLogOutput",
            "PostludeManifest", "PostludeRouting", "PostludeScoreboard", "PostludeSupervision",
            "PostludeSystem", "PostludeThreads", httpTypes, logging, metrics, tracing,
            .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            .product(name: "MetricsTestKit", package: "swift-metrics"),
        ]),
    .testTarget(name: "PostludeThreadsTests", dependencies: ["PostludeSystem", "PostludeThreads"]),
    .executableTarget(
        name: "PostludeBenchmarkApplication", dependencies: ["Postlude"],
        path: "Tests/BenchmarkSuite/Application", exclude: ["routes.yaml"]),
    .executableTarget(
        name: "PostludeRouteBenchmark", dependencies: ["PostludeRouting", httpTypes],
        path: "Tests/BenchmarkSuite/Routes"),
]

// Names of targets, and of programs, are those of the whole graph of packages: an application has its own `orders`.
let package = Package(
    name: "postlude",
    products: products.map { .library(name: $0.name, targets: [$0.name]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // For `swift package generate-documentation`. No target uses it, so applications do not fetch it.
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: libraries + parts + products + examples + tests,
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system && target.name != "CPostludeLinux" {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}

// POSTLUDE_TARGETS="PostludeTaskStoreTests PostludeThreadsTests" declares the products, those targets and what they need: a
// build of all that is declared is a build of these.
if let names = Context.environment["POSTLUDE_TARGETS"], !names.isEmpty {
    var needed: Set<String> = []
    var rest = names.split { !($0.isLetter || $0.isNumber) }.map(String.init) + products.map(\.name)
    while let name = rest.popLast() {
        guard needed.insert(name).inserted else { continue }
        guard let target = package.targets.first(where: { $0.name == name }) else {
            fatalError("POSTLUDE_TARGETS: there is no target \(name)")
        }
        rest += target.dependencies.compactMap { dependency in
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): name
            default: nil
            }
        }
    }
    package.targets.removeAll { !needed.contains($0.name) }
}
