internal import PostludeManifest
internal import PostludeRouting

/// The locations of a manifest's routes: one for all, and others for what needs more.
///
/// A route that may have a larger body, or more time, than the manifest's own limits gets a location where
/// its path begins with a literal: one upload does not open the whole site. Every other one raises the bounds
/// for all. A location's bounds are those of all routes that its requests can reach.
struct NginxLocations {
    /// What stands after `location`, with its bounds.
    struct Location: Equatable {
        let segments: [String]
        let isExact: Bool
        var bounds: NginxBounds

        var matcher: String {
            let path = segments.map { "/" + $0 }.joined()
            return isExact ? "= " + NginxText.word(path) : NginxText.word(path + "/")
        }
    }

    /// For every request that no location takes for itself.
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
        // A trailing slash stands before an empty segment.
        insert(segments, isExact: isExact) { start in
            isExact ? Self.reaches(start, path: segments) : Self.overlaps(start, segments)
        }
        // nginx would answer the path without the slash with a redirect.
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

    /// Whether a route can take exactly this path.
    private static func reaches(_ start: RoutePattern.LiteralStart, path: [String]) -> Bool {
        if start.isWhole { return start.segments == path }
        let isLonger =
            path.count > start.segments.count || (start.mayEnd && path.count == start.segments.count)
        return isLonger && path.starts(with: start.segments)
    }

    /// Whether a route can take a path below the segments.
    private static func overlaps(_ start: RoutePattern.LiteralStart, _ segments: [String]) -> Bool {
        if start.segments.count > segments.count { return start.segments.starts(with: segments) }
        return !start.isWhole && segments.starts(with: start.segments)
    }
}

/// What nginx must allow, so that it is the application that refuses and ends.
struct NginxBounds: Equatable {
    /// Bytes of a request's body.
    var body: Int
    /// The longest silence of a client inside a body.
    var pause: Duration
    /// The longest silence of the application, on either way.
    var silence: Duration

    /// How much later than the application nginx gives up.
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
