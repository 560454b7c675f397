internal import PostludePCRE

/// What one worker thread needs to match routes; every match of that thread uses it again.
///
/// It is not Sendable: PCRE2 writes to it while it matches.
package final class RouteMatcher {
    let matcher: Matcher

    /// - Parameter matchLimit: how many steps of backtracking one expression may take before the path is
    ///   refused
    /// - Throws: when there is no memory for it
    package init(matchLimit: UInt32 = 100_000) throws {
        matcher = try Matcher(matchLimit: matchLimit, depthLimit: matchLimit)
    }
}
