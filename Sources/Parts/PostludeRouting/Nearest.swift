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
