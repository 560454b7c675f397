/// The HTML page that shows the API, with the OpenAPI document embedded.
struct DocumentationPage: Sendable {
    private let page: HTMLPage

    /// - Parameters:
    ///   - title: the API's title.
    ///   - document: the OpenAPI document as JSON text.
    init(title: String, document: String) {
        // Escaped so that no text in the document can end the script element. In JSON, `<` occurs only in strings.
        let inScript = document.replacing("<", with: "\\u003c")
        page = HTMLPage(
            title: title, style: PackageResources.documentation_css,
            script: PackageResources.commonmark_js + PackageResources.documentation_js,
            body: HTMLPage.text(PackageResources.documentation_html)
                .replacing("${document}", with: inScript))
    }

    func handler(named name: String) -> Handler { Handler(name) { response() } }

    func response() -> Response { page.response() }
}
