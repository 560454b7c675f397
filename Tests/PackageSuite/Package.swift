// swift-tools-version: 6.2
import PackageDescription

/// Modules of the application with plain names, which Postlude does not use.
let modules = ["Celery", "Journal", "Linux", "Manifest", "PCRE", "Routing", "Workers"]
let postlude = ["Postlude", "PostludeCelery", "PostludeDurable", "PostludeTesting"]

/// An application outside the repository.
let package = Package(
    name: "application",
    dependencies: [.package(name: "postlude", path: Context.environment["POSTLUDE"] ?? "../..")],
    targets: modules.map { .target(name: $0) } + [
        .executableTarget(
            name: "orders",
            dependencies: modules.map { .target(name: $0) }
                + postlude.map { .product(name: $0, package: "postlude") }),
        .executableTarget(name: "guide"),
        .executableTarget(name: "settings"),
    ],
    swiftLanguageModes: [.v6]
)
