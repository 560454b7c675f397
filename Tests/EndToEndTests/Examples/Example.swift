import Foundation

/// One of the examples as it is: with its own manifest, spawned in a folder of the test's, behind nginx.
struct Example {
    let name: String
    var environment: [String: String] = [:]

    func run(in folder: TestFolder, _ body: (Server, NginxServer) throws -> Void) throws {
        let routes = BuildProducts.repository + "/examples/\(name)/routes.yaml"
        let manifest = try String(contentsOfFile: routes, encoding: .utf8)
        try Server.run(
            TestManifest(text: manifest), in: folder, executable: BuildProducts.folder + "/" + name,
            environment: environment, awaitingAnswer: false
        ) { server in
            try NginxServer.run(to: server) { try body(server, $0) }
        }
    }
}
