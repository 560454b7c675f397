import HTTPTypes
import Postlude

extension AnalyticsApplication {
    /// `GET /`: the last hour as a plot, drawn here; the page is one file, without anything from elsewhere.
    func page() throws -> Response {
        let page = AnalyticsPage(hour: try log.lastHour(), latest: try log.latest(10))
        var response = Response.html(page.html)
        // Should a client's word become markup after all, nothing from another site is loaded or told.
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'"
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
