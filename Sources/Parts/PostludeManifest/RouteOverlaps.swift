internal import HTTPTypes
internal import PostludeRouting

/// Finds routes that can never match, because the routes before them match all their requests.
///
/// To compare each route with each other one would take minutes for 10,000 routes. A tree of path segments finds the few
/// routes that can match the paths of a given one.
struct RouteOverlaps {
    /// The routes with one pattern, apart from the names of its parameters.
    private final class Entry {
        let pattern: RoutePattern
        /// The line of the first route for each method.
        var lines: [HTTPRequest.Method: Int] = [:]

        init(pattern: RoutePattern) {
            self.pattern = pattern
        }
    }

    /// A node of the tree: the continuations of a sequence of segments.
    private final class Node {
        var next: [RouteShape.Segment: Node] = [:]
        /// The patterns that end here.
        var ends: [Entry] = []
        /// The patterns that match any rest of a path from here on.
        var rests: [Entry] = []
    }

    /// The number of visited nodes, or of patterns to compare, after which the search for one route stops. Without it, routes
    /// that differ only in the types of their parameters would all be compared with each other.
    private static let visitBound = 200
    /// The largest number of patterns in `rests`, and in `ends`, of one node.
    private static let entryBound = 50

    private let root = Node()
    private var entries: [String: Entry] = [:]

    /// Adds the next route of the file.
    ///
    /// - Parameter prefix: the prefix of the manifest and of the route's groups. The text of a raw regular expression does not
    ///   contain it.
    /// - Returns: a message if the route can never match; otherwise `nil`.
    mutating func add(
        _ pattern: RoutePattern, isRegex: Bool, prefix: String, methods: [HTTPRequest.Method], line: Int
    ) -> String? {
        let shape =
            isRegex
            ? RouteShape(regex: pattern.text, prefix: prefix) : RouteShape(pattern: pattern.text)
        let twin = entries[shape.key]
        var candidates: [Entry] = []
        var visits = 0
        Self.collect(shape.segments[...], from: root, into: &candidates, visits: &visits)
        if let twin, !candidates.contains(where: { $0 === twin }) { candidates.append(twin) }
        candidates.removeAll { !$0.pattern.covers(pattern) }
        let message = Self.message(pattern, methods, twin: twin, candidates: candidates)

        let entry = twin ?? insert(pattern, shape)
        for method in methods where entry.lines[method] == nil { entry.lines[method] = line }
        return message
    }

    private mutating func insert(_ pattern: RoutePattern, _ shape: RouteShape) -> Entry {
        let entry = Entry(pattern: pattern)
        entries[shape.key] = entry
        guard !shape.segments.contains(.unknown) else { return entry }
        var node = root
        for segment in shape.segments where segment != .rest {
            let next = node.next[segment] ?? Node()
            node.next[segment] = next
            node = next
        }
        if shape.segments.last == .rest {
            if node.rests.count < Self.entryBound { node.rests.append(entry) }
        } else if node.ends.count < Self.entryBound {
            node.ends.append(entry)
        }
        return entry
    }

    /// Collects the entries that may match all paths with these segments.
    private static func collect(
        _ segments: ArraySlice<RouteShape.Segment>, from node: Node, into candidates: inout [Entry],
        visits: inout Int
    ) {
        visits += 1
        guard visits <= visitBound, candidates.count <= visitBound else { return }
        candidates += node.rests
        guard let first = segments.first else {
            candidates += node.ends
            return
        }
        guard first != .rest else { return }
        let rest = segments.dropFirst()
        if let next = node.next[first] { collect(rest, from: next, into: &candidates, visits: &visits) }
        if first != .parameter, let next = node.next[.parameter] {
            collect(rest, from: next, into: &candidates, visits: &visits)
        }
    }

    private static func message(
        _ pattern: RoutePattern, _ methods: [HTTPRequest.Method], twin: Entry?, candidates: [Entry]
    ) -> String? {
        var lines: Set<Int> = []
        for method in methods {
            // A route for GET also serves HEAD.
            let takers = candidates.compactMap { entry in
                [entry.lines[method], method == .head ? entry.lines[.get] : nil].compactMap(\.self).min()
            }
            guard let first = takers.min() else { return nil }
            lines.insert(first)
        }
        let sorted = lines.sorted()
        if let twin, twin.pattern == pattern, sorted.count == 1, Set(twin.lines.values) == lines {
            return "this route appears twice; the first is in line \(sorted[0])"
        }
        let takers =
            sorted.count == 1
            ? "the route in line \(sorted[0]) matches"
            : "the routes in lines \(sorted.map(String.init).joined(separator: ", ")) match"
        return "this route can never match: \(takers) all of its requests first"
    }
}
