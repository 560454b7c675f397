import PostludeManifest

let handlers = ["home", "process-item", "send-notification"]
let middleware = ["audit", "signed-in"]

/// The diagnostics of `Manifest.parse` for a text; empty if it is valid.
func mistakes(
    _ yaml: String, handlers: [String] = handlers, environment: [String: String] = [:]
) -> [String] {
    do {
        _ = try Manifest.parse(
            yaml, file: "routes.yaml", handlers: handlers, middleware: middleware, environment: environment)
        return []
    } catch {
        return error.diagnostics.map(\.description)
    }
}

/// A valid manifest, apart from the text that precedes its routes.
func manifest(_ settings: String) -> String {
    settings + "\nroutes:\n  - { path: /, method: GET, handler: home }\n"
}

func parse(_ yaml: String, environment: [String: String] = [:]) throws -> Manifest {
    try Manifest.parse(
        yaml, file: "routes.yaml", handlers: handlers, middleware: middleware, environment: environment)
}
