import PostludeManifest

let handlers = ["home", "process-item", "send-notification"]
let middleware = ["audit", "signed-in"]

/// What `Manifest.parse` says about a text that is not in order; empty when it is.
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

/// A manifest that is in order up to what is put before its routes.
func manifest(_ settings: String) -> String {
    settings + "\nroutes:\n  - { path: /, method: GET, handler: home }\n"
}

func parse(_ yaml: String, environment: [String: String] = [:]) throws -> Manifest {
    try Manifest.parse(
        yaml, file: "routes.yaml", handlers: handlers, middleware: middleware, environment: environment)
}
