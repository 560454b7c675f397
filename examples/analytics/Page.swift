import PostludeExamplePages

extension AnalyticsApplication {
    /// `GET /`: the last hour as a plot.
    func page() throws -> ExamplePage {
        let page = AnalyticsPage(hour: try log.lastHour(), latest: try log.latest(10))
        return ExamplePage(
            title: "Analytics", content: page.html, style: AnalyticsPage.style, script: AnalyticsPage.script)
    }
}
