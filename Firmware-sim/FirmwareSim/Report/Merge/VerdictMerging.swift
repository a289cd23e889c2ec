/// What the whole run comes to.
enum VerdictMerging {
    /// Expectations and assertions are judged over the whole; what the parts counted is added up.
    static func merged(_ parts: [RunReport], _ whole: RunReport) -> RunReport.Verdict {
        var shortcomings = whole.parameters.mode == "scenario" ? whole.unmetExpectations : []
        shortcomings += counted(parts)
        shortcomings += whole.assertions.filter { !$0.passed }.map { "not so: \($0.text) (\($0.observed))" }
        let allowsFailures =
            parts.allSatisfy(\.verdict.passed) && parts.contains { !$0.verdict.shortcomings.isEmpty }
        return RunReport.Verdict(
            passed: shortcomings.isEmpty || allowsFailures, isValid: parts.allSatisfy(\.verdict.isValid),
            shortcomings: shortcomings)
    }

    /// Sentences such as `3 of 50 devices never connected` or `2 QoS 1 publishes were refused`, their numbers added.
    private static func counted(_ parts: [RunReport]) -> [String] {
        var order: [String] = []
        var sums: [String: (count: Int, isOfDevices: Bool)] = [:]
        for text in parts.flatMap(\.verdict.shortcomings) {
            // Of expectations and assertions, what a part alone came to says nothing of the whole.
            guard let sentence = CountedSentence(text) else { continue }
            if sums[sentence.rest] == nil { order.append(sentence.rest) }
            sums[sentence.rest, default: (0, sentence.isOfDevices)].count &+= sentence.count
        }
        let devices = parts.reduce(0) { $0 &+ $1.devices.planned }
        return order.compactMap { rest in
            sums[rest].map { $0.isOfDevices ? "\($0.count) of \(devices) \(rest)" : "\($0.count) \(rest)" }
        }
    }

    private struct CountedSentence {
        var count: Int
        /// `N of M devices …`
        var isOfDevices: Bool
        var rest: String

        init?(_ text: String) {
            let words = text.split(separator: " ", maxSplits: 3)
            guard words.count >= 2, let count = Int(words[0]), (0...ReportCheck.valueMax).contains(count) else {
                return nil
            }
            self.count = count
            isOfDevices = words.count == 4 && words[1] == "of" && Int(words[2]) != nil
            rest = words.dropFirst(isOfDevices ? 3 : 1).joined(separator: " ")
        }
    }
}
