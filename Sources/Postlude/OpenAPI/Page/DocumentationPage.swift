/// The page that shows the API to people, with the OpenAPI document inside.
struct DocumentationPage: Sendable {
    private let page: HTMLPage

    /// - Parameters:
    ///   - title: the API's.
    ///   - document: the OpenAPI document as JSON text.
    init(title: String, document: String) {
        // No text in the document ends the script that holds it: in JSON, `<` stands in strings only.
        let inScript = document.replacing("<", with: "\\u003c")
        page = HTMLPage(
            title: title, style: PackageResources.documentation_css,
            script: PackageResources.documentation_js,
            body: HTMLPage.text(PackageResources.documentation_html)
                .replacing("${document}", with: inScript))
    }

    func handler(named name: String) -> Handler { Handler(name) { response() } }

    func response() -> Response { page.response() }
}
