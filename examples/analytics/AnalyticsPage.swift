import FoundationEssentials
import PostludeExamplePages

/// The page's contents as HTML.
struct AnalyticsPage {
    let hour: HourStatistics
    /// Newest first.
    let latest: [Access]

    var html: String {
        """
        <p>Every access to <a href="api/data">api/data</a> is written to SQLite by a task, after its answer. The same
        numbers as JSON: <a href="api/stats">api/stats</a>.</p>
        <p class="try" hidden>
        <button data-path="api/data">Make a request</button>
        <button data-path="api/data?series=rain">A failing one</button>
        <output></output>
        </p>
        <div id="live">
        \(figures)
        \(Plot(hour: hour).html)
        \(accesses)
        </div>
        """
    }

    private var figures: String {
        let mean = hour.meanMilliseconds.map { "\($0.rounded(decimals: 2)) ms" } ?? "–"
        return """
            <dl>
            <div><dt>Requests</dt><dd id="requests">\(hour.requests)</dd></div>
            <div><dt>Errors</dt><dd id="errors">\(hour.errors)</dd></div>
            <div><dt>Mean time</dt><dd>\(mean)</dd></div>
            </dl>
            """
    }

    private var accesses: String {
        guard !latest.isEmpty else { return "<p>No access yet.</p>" }
        return """
            <h2>The latest</h2>
            <ol>
            \(latest.map(row).joined(separator: "\n"))
            </ol>
            """
    }

    private func row(_ access: Access) -> String {
        let time = access.time.formatted(.iso8601)
        return """
            <li><time datetime="\(time)">\(time)</time>
            <span><strong\(access.status >= 400 ? " class=\"error\"" : "")>\(access.status)</strong> \
            \(HTML.escaped(access.path)), \(access.milliseconds.rounded(decimals: 2)) ms</span>
            <small>\(HTML.escaped(access.userAgent ?? "no user agent"))</small></li>
            """
    }
}
