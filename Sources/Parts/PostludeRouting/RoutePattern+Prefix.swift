extension RoutePattern {
    /// The pattern after a mount prefix such as `/api`, which holds literals only.
    ///
    /// A raw expression is then matched against what follows the prefix.
    /// - Throws: a mistake in the prefix; the offset counts its characters.
    package func prefixed(by mountPrefix: String) throws(SyntaxError) -> RoutePattern {
        if mountPrefix.isEmpty { return self }
        guard case .segments(var prefix) = try RoutePattern(mountPrefix).shape else { return self }
        if let parameter = mountPrefix.firstIndex(of: "{") {
            throw SyntaxError(
                offset: mountPrefix.distance(from: mountPrefix.startIndex, to: parameter),
                message: "found a parameter in the prefix; expected literals only")
        }
        // `/api/` and `/api` are one prefix, and `/` is none.
        let hasTrailingSlash = prefix.last?.pieces.isEmpty == true
        if hasTrailingSlash { prefix.removeLast() }
        if prefix.isEmpty { return self }
        switch shape {
        case .segments(let segments):
            var trimmed = mountPrefix[...]
            while trimmed.last == "/" { trimmed.removeLast() }
            return RoutePattern(text: trimmed + text, mount: [], shape: .segments(prefix + segments))
        case .regex:
            return RoutePattern(text: text, mount: prefix.compactMap(\.literal) + mount, shape: shape)
        }
    }
}
