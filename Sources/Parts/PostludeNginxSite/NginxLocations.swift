internal import PostludeManifest
internal import PostludeRouting

/// The locations of a manifest's routes: a common one, and others for routes that need higher bounds.
///
/// A route with a higher limit than the manifest's own, for its body or a time, gets its own location if its path begins with
/// a literal, so that one upload does not raise the bounds of the whole site. Without a literal, it raises the common
/// bounds. The bounds of a location cover all routes that its requests can reach.
struct NginxLocations {
    /// A location, with its bounds.
    struct Location: Equatable {
        let segments: [String]
        let isExact: Bool
        var bounds: NginxBounds

        var matcher: String {
            let path = segments.map { "/" + $0 }.joined()
            return isExact ? "= " + NginxText.word(path) : NginxText.word(path + "/")
        }
    }

    /// The bounds of requests that no other location matches.
    private(set) var common: NginxBounds
    private(set) var own: [Location] = []

    private let routes: [(start: RoutePattern.LiteralStart, bounds: NginxBounds)]

    init(_ manifest: Manifest) {
        let prefix = (try? RoutePattern(manifest.prefix))?.literalStart.segments.count ?? 0
        routes = manifest.routes.map { route in
            (route.pattern.literalStart, NginxBounds(route.limits, overload: manifest.overload))
        }
        common = NginxBounds(manifest.limits, overload: manifest.overload)
        for route in routes where route.bounds.exceeds(common) && route.start.segments.count <= prefix {
            common = common.joined(with: route.bounds)
        }
        for route in routes where route.bounds.exceeds(common) && route.start.segments.count > prefix {
            add(route.start.segments, isExact: route.start.isWhole)
        }
    }

    private mutating func add(_ segments: [String], isExact: Bool) {
        // A path that ends with a slash has an empty last segment.
        insert(segments, isExact: isExact) { start in
            isExact ? Self.reaches(start, path: segments) : Self.overlaps(start, segments)
        }
        // For the path without the slash, nginx would answer with a redirect.
        guard !isExact, routes.contains(where: { Self.reaches($0.start, path: segments) }) else { return }
        insert(segments, isExact: true) { Self.reaches($0, path: segments) }
    }

    private mutating func insert(
        _ segments: [String], isExact: Bool, where canReach: (RoutePattern.LiteralStart) -> Bool
    ) {
        guard !own.contains(where: { $0.segments == segments && $0.isExact == isExact }) else { return }
        let bounds = routes.filter { canReach($0.start) }.reduce(common) { $0.joined(with: $1.bounds) }
        own.append(Location(segments: segments, isExact: isExact, bounds: bounds))
    }

    /// Whether a route can match exactly this path.
    private static func reaches(_ start: RoutePattern.LiteralStart, path: [String]) -> Bool {
        if start.isWhole { return start.segments == path }
        let isLonger =
            path.count > start.segments.count || (start.mayEnd && path.count == start.segments.count)
        return isLonger && path.starts(with: start.segments)
    }

    /// Whether a route can match a path below the segments.
    private static func overlaps(_ start: RoutePattern.LiteralStart, _ segments: [String]) -> Bool {
        if start.segments.count > segments.count { return start.segments.starts(with: segments) }
        return !start.isWhole && segments.starts(with: start.segments)
    }
}

/// The bounds that nginx must allow, so that the application applies its own limits before nginx does.
struct NginxBounds: Equatable {
    /// The largest size of a request's body, in bytes.
    var body: Int
    /// The longest time without data from a client inside a body.
    var pause: Duration
    /// The longest time in which the application neither reads nor writes.
    var silence: Duration

    /// The time by which nginx gives up later than the application.
    private static let margin: Duration = .seconds(15)

    fileprivate init(_ limits: Manifest.Limits, overload: Manifest.Overload) {
        body = limits.body
        pause = limits.readTime
        let handling = limits.requestTimeout ?? limits.killTime ?? .zero
        let waiting = overload.policy == .refuse ? overload.wait : .zero
        silence = max(limits.readTime, limits.writeTime, handling) + waiting
    }

    fileprivate func exceeds(_ other: NginxBounds) -> Bool {
        body > other.body || pause > other.pause || silence > other.silence
    }

    fileprivate func joined(with other: NginxBounds) -> NginxBounds {
        var bounds = self
        bounds.body = max(body, other.body)
        bounds.pause = max(pause, other.pause)
        bounds.silence = max(silence, other.silence)
        return bounds
    }

    /// Returns the directives, without those that have the same values in the enclosing block.
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
