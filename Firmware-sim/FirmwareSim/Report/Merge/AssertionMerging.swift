/// Assertions of a run whose parts were merged: judged over the whole, from the report alone.
enum AssertionMerging {
    /// - Throws: ``SimulatorError`` `bad-report` if the text is no assertion.
    static func judged(
        _ result: RunReport.AssertionResult, in whole: RunReport
    ) throws(SimulatorError) -> RunReport.AssertionResult {
        do throws(AssertionMistake) {
            return try Assertion(result.text).evaluate(in: whole)
        } catch {
            throw .file(
                "bad-report", "the assertion '\(PrintableText.clean(result.text))' cannot be judged again: \(error)")
        }
    }
}
