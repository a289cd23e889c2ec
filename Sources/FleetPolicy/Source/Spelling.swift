/// Finds the word that was probably meant.
enum Spelling {
    /// The candidate nearest to `word`, when near enough to be worth suggesting: a third of the letters may differ,
    /// and never more than three, so that short words get no far-fetched advice.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let letters = Array(word.lowercased())
        // Longer than any key of ours: not a slip of the keyboard, and the distance costs length times length.
        guard letters.count <= 64 else { return nil }
        let limit = min(3, max(1, letters.count / 3))
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(from: letters, to: Array(candidate.lowercased()))
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// Edits (insert, delete, replace, swap two neighbours) that turn one word into the other.
    static func distance(from left: [Character], to right: [Character]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
