import Foundation

/// One of the examples with its own manifest, spawned in a folder of the test's, behind nginx.
struct Example {
    let name: String
    var environment: [String: String] = [:]
    /// Settings that the test adds to the manifest.
    var settings = ""
    var ending = Server.Ending.clean
    /// Whether a supervisor starts the manifest's processes.
    var isSupervised = false

    func run(in folder: TestFolder, _ body: (Server, NginxServer) throws -> Void) throws {
        try Server.run(
            try manifest, in: folder, executable: executable, environment: variables(in: folder),
            isSupervised: isSupervised, ending: ending, awaitingAnswer: false
        ) { server in
            try NginxServer.run(to: server) { try body(server, $0) }
        }
    }

    /// Spawns the example without waiting for it to serve.
    func start(in folder: TestFolder) throws -> Server {
        try Server(try manifest, in: folder, executable: executable, environment: variables(in: folder))
    }

    /// Adds the folder of the status page's socket, as systemd and `examples/serve` name it.
    private func variables(in folder: TestFolder) -> [String: String] {
        environment.merging(["RUNTIME_DIRECTORY": folder.path]) { own, _ in own }
    }

    var executable: String { BuildProducts.example(name) }

    var manifest: TestManifest {
        get throws {
            let routes = BuildProducts.repository + "/examples/\(name)/routes.yaml"
            return TestManifest(text: "\(settings)\n" + (try String(contentsOfFile: routes, encoding: .utf8)))
        }
    }
}
