import FoundationEssentials

/// The last hour as bars: an SVG as wide as its container, with labels in HTML, which keep their size.
struct Plot {
    /// The SVG's units: each minute is ten wide, and the highest number a hundred high.
    private static let step = 10
    private static let height = 100.0

    let hour: HourStatistics

    var html: String {
        """
        <figure>
        <figcaption><span>Requests in each minute of the last hour</span>
        <span class="key"><i class="answered"></i> answered</span> <span class="key"><i class="failed"></i> \
        errors</span></figcaption>
        <div class="plot">
        <div class="scale" aria-hidden="true"><span>\(top)</span><span>\(top / 2)</span><span>0</span></div>
        <svg viewBox="0 0 \(hour.minutes.count * Self.step) 100" preserveAspectRatio="none" role="img" \
        aria-label="\(hour.requests) requests in the last hour, \(hour.errors) of them errors; \
        at most \(highest) in a minute">
        <path class="grid" d="M0 0H\(width)M0 50H\(width)M0 100H\(width)"/>
        \(hour.minutes.enumerated().map { bar($0.offset, $0.element) }.joined(separator: "\n"))
        </svg>
        <div class="times" aria-hidden="true"><span>1 hour ago</span><span>30 minutes</span><span>now</span></div>
        </div>
        </figure>
        """
    }

    private var width: Int { hour.minutes.count * Self.step }

    private var highest: Int { hour.minutes.map(\.requests).max() ?? 0 }

    /// The number at the plot's upper edge: even, and at least the highest.
    private var top: Int {
        var unit = 1
        while true {
            for factor in [2, 4, 6, 8, 10] where factor * unit >= highest { return factor * unit }
            unit *= 10
        }
    }

    /// A minute: its number as a tooltip, the answered requests, and the errors on top of them.
    private func bar(_ index: Int, _ minute: MinuteStatistics) -> String {
        let time = minute.start.formatted(.iso8601.time(includingFractionalSeconds: false)).prefix(5)
        let answered = rectangle("answered", index, from: 0, to: minute.requests - minute.errors)
        let failed = rectangle("failed", index, from: minute.requests - minute.errors, to: minute.requests)
        return """
            <g><title>\(time) UTC: \(minute.requests) requests, \(minute.errors) errors</title>\
            <rect class="space" x="\(index * Self.step)" y="0" width="\(Self.step)" height="100"/>\
            \(answered)\(failed)</g>
            """
    }

    private func rectangle(_ name: String, _ index: Int, from low: Int, to high: Int) -> String {
        guard high > low else { return "" }
        let scale = Self.height / Double(top)
        let y = (Self.height - Double(high) * scale).rounded(decimals: 2)
        let height = (Double(high - low) * scale).rounded(decimals: 2)
        return "<rect class=\"\(name)\" x=\"\(index * Self.step + 1)\" y=\"\(y)\" "
            + "width=\"\(Self.step - 2)\" height=\"\(height)\"/>"
    }
}
