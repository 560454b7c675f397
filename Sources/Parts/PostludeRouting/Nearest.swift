/// Returns the known name with the smallest edit distance from `name`: the one that was probably meant.
///
/// An edit inserts, removes or replaces a character, or swaps two neighbours. Case only decides between names that are
/// otherwise equally near.
///
/// - Returns: nil if no name is known; the first of several that are equally near.
package func nearest(to name: String, in known: some Sequence<String>) -> String? {
    let exact = Array(name)
    let folded = Array(name.lowercased())
    return
        known.map { candidate in
            (
                candidate: candidate,
                distance: (
                    editDistance(folded, Array(candidate.lowercased())), editDistance(exact, Array(candidate))
                )
            )
        }
        .min { $0.distance < $1.distance }?.candidate
}

/// Returns the known name of which `name` is a misspelling: the only one that at most two edits make of it, apart from case, and
/// fewer than half of its characters.
///
/// - Returns: nil if there is none, or another name is as near.
package func misspelling(_ name: String, of known: some Sequence<String>) -> String? {
    let folded = Array(name.lowercased())
    let distances = known.map { ($0, editDistance(folded, Array($0.lowercased()))) }
    guard let least = distances.map(\.1).min(), least <= 2, least * 2 < folded.count else { return nil }
    let nearest = distances.filter { $0.1 == least }
    return nearest.count == 1 ? nearest.first?.0 : nil
}

/// Returns the optimal string alignment distance. Only three rows of the matrix are in memory.
private func editDistance(_ first: [Character], _ second: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...second.count)
    for row in first.indices {
        var current = [row + 1]
        for column in second.indices {
            let replaced = previous[column] + (first[row] == second[column] ? 0 : 1)
            var distance = min(replaced, previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                distance = min(distance, beforePrevious[column - 1] + 1)
            }
            current.append(distance)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[second.count]
}
