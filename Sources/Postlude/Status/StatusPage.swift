/// The HTML page of the status, which shows the data of the `status.json` next to it.
enum StatusPage {
    private static let page = HTMLPage(
        title: "Status", style: PackageResources.status_css, script: PackageResources.status_js,
        body: HTMLPage.text(PackageResources.status_html))

    static func response() -> Response { page.response() }
}
