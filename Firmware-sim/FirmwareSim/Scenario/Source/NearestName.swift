/// Finds the word that was probably meant.
enum NearestName {
    /// Longer than any name of ours: no slip of the keyboard, and the comparison costs length times length.
    private static let lengthMax = 64

    /// `did you mean …?` when one is near, otherwise all of them.
    static func hint(for word: String, among known: [String]) -> String {
        if let nearest = find(word, among: known) { return "did you mean '\(nearest)'?" }
        return known.isEmpty ? "there is none" : "known are \(known.joined(separator: ", "))"
    }

    /// The candidate that differs least, if no more than a third of the letters do.
    static func find(_ word: String, among candidates: [String]) -> String? {
        let letters = Array(word.lowercased())
        guard (1...lengthMax).contains(letters.count) else { return nil }
        let limit = min(3, max(1, letters.count / 3))
        let ranked = candidates.map { (name: $0, distance: distance(letters, Array($0.lowercased()))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return nil }
        return best.name
    }

    /// Letters to insert, delete or replace, and neighbours to swap (Damerau and Levenshtein).
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
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
