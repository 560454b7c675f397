/// A manifest's snippet made whole.
enum SnippetManifest {
    /// - Parameter text: a manifest, some of its keys, or some of its routes.
    /// - Returns: a manifest for the testbed's handlers.
    static func complete(_ text: String) -> String {
        let known = text.replacing(/handler: *[\w-]+/) { _ in "handler: hello" }
        if known.contains(#/^routes:/#.anchorsMatchLineEndings()) { return known }
        if known.contains(#/^ *- /#.anchorsMatchLineEndings()) { return "routes:\n" + known }
        return known + "\nroutes:\n  - { path: /, method: GET, handler: hello }\n"
    }
}
