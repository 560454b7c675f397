import Synchronization

/// The counts of the answers of one route.
package struct RouteAnswers: Sendable, Equatable {
    private var counts: [UInt64]
    /// The total time from the heads of the requests to the ends of the answers.
    package var time: Duration = .zero

    package init() { counts = Array(repeating: 0, count: StatusClass.allCases.count) }

    package subscript(status: StatusClass) -> UInt64 {
        get { counts[status.rawValue] }
        set { counts[status.rawValue] = newValue }
    }

    package var total: UInt64 { counts.reduce(0, &+) }

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: RouteAnswers) -> RouteAnswers {
        var rest = self
        for (index, before) in earlier.counts.enumerated() {
            rest.counts[index] -= min(before, rest.counts[index])
        }
        rest.time = max(.zero, time - earlier.time)
        return rest
    }

    package static func += (left: inout RouteAnswers, right: RouteAnswers) {
        for index in left.counts.indices { left.counts[index] &+= right.counts[index] }
        left.time += right.time
    }
}

/// The answers of one route, and how long they have taken.
package struct RouteCounts: Sendable, Equatable {
    package var answers = RouteAnswers()
    package var times = LatencyHistogram()

    package init() {}

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: RouteCounts) -> RouteCounts {
        var rest = self
        rest.answers = answers.since(earlier.answers)
        rest.times = times.since(earlier.times)
        return rest
    }

    package static func += (left: inout RouteCounts, right: RouteCounts) {
        left.answers += right.answers
        left.times += right.times
    }
}

/// The class of a status code (RFC 9110, 15).
package enum StatusClass: Int, Sendable, CaseIterable {
    case informational, successful, redirection, clientError, serverError

    /// A status outside of the classes counts as the nearest class.
    package init(of status: Int) {
        self = Self(rawValue: min(max(status / 100, 1), 5) - 1) ?? .serverError
    }

    /// `2xx`
    package var label: String { "\(rawValue + 1)xx" }

    /// The word that counts the class in a route's row.
    var word: Int { Layout.Route.answers + rawValue }
}

/// A route whose answers are counted. Its row of a process's table is looked up once, with the first answer.
package final class CountedRoute: Sendable {
    package let name: String
    private let place = Atomic<Int>(-1)

    /// - Parameter name: the route's pattern. Routes of the same name are counted together.
    package init(_ name: String) { self.name = name }

    func place(lookedUpBy lookUp: (String) -> Int) -> Int {
        let known = place.load(ordering: .relaxed)
        guard known < 0 else { return known }
        let found = lookUp(name)
        place.store(found, ordering: .relaxed)
        return found
    }
}

/// An answer to a request, as it is counted.
package struct CountedAnswer {
    package let status: Int
    let route: CountedRoute?

    /// - Parameter route: nil if no route matches the request.
    package init(status: Int, route: CountedRoute?) {
        self.status = status
        self.route = route
    }
}
