internal import PostludeManifest

/// What nginx must allow, so that it is the application that refuses and ends.
struct NginxBounds: Equatable {
    /// Bytes of a request's body.
    var body: Int
    /// The longest silence of a client inside a body.
    var pause: Duration
    /// The longest silence of the application, on either way.
    var silence: Duration

    /// How much later than the application nginx gives up.
    static let margin: Duration = .seconds(15)

    init(_ limits: Manifest.Limits, overload: Manifest.Overload) {
        body = limits.body
        pause = limits.readTime
        let handling = limits.requestTimeout ?? limits.killTime ?? .zero
        let waiting = overload.policy == .refuse ? overload.wait : .zero
        silence = max(limits.readTime, limits.writeTime, handling) + waiting
    }

    func exceeds(_ other: NginxBounds) -> Bool {
        body > other.body || pause > other.pause || silence > other.silence
    }

    func joined(with other: NginxBounds) -> NginxBounds {
        var bounds = self
        bounds.body = max(body, other.body)
        bounds.pause = max(pause, other.pause)
        bounds.silence = max(silence, other.silence)
        return bounds
    }

    /// The directives, without those that are the same around them.
    func directives(inside outer: NginxBounds? = nil) -> [String] {
        var lines: [String] = []
        if body != outer?.body { lines.append("client_max_body_size \(NginxText.bodySize(above: body));") }
        if pause != outer?.pause { lines.append("client_body_timeout \(NginxText.seconds(pause));") }
        if silence != outer?.silence {
            let time = NginxText.seconds(silence + Self.margin)
            lines += ["fastcgi_send_timeout \(time);", "fastcgi_read_timeout \(time);"]
        }
        return lines
    }
}
