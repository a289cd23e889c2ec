/// What is wrong with the text of an assertion, and where.
struct AssertionMistake: Error, Sendable, Equatable, CustomStringConvertible {
    /// In characters from 1.
    var column: Int
    var problem: String
    var hint: String?

    var description: String {
        "column \(column): \(problem)" + (hint.map { " (\($0))" } ?? "")
    }
}
