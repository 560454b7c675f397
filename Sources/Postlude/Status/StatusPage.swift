/// The page that shows the status to people, with what `status.json` beside it says.
enum StatusPage {
    private static let page = HTMLPage(
        title: "Status", style: PackageResources.status_css, script: PackageResources.status_js,
        body: HTMLPage.text(PackageResources.status_html))

    static func response() -> Response { page.response() }
}
