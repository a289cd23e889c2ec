import NIOCore

/// Reads single values. Each method returns nil when the value is wrong, which has then been reported.
struct ScalarReader {
    let mistakes: MistakeCollector

    func text(_ node: SourceNode, path: String) -> Located<String>? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            mistakes.report(.wrongKind, at: node.place, key: path, "a text is needed here, not \(node.kind)")
            return nil
        }
        guard text.utf8.count <= SimulatorLimits.scenarioTextBytesMax else {
            mistakes.report(
                .outOfRange, at: node.place, key: path, "the text is too long",
                hint: "at most \(SimulatorLimits.scenarioTextBytesMax) bytes")
            return nil
        }
        return Located(value: text, place: node.place, path: path)
    }

    func report(_ text: Located<String>, _ code: SourceMistake.Code, _ problem: String, hint: String? = nil) {
        mistakes.report(code, at: text.place, key: text.path, problem, hint: hint)
    }

    func integer(_ text: Located<String>, in range: ClosedRange<Int>) -> Int? {
        let hint = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let value = Int(text.value) else {
            report(text, .badValue, "'\(text.value)' is not a whole number", hint: hint)
            return nil
        }
        guard range.contains(value) else {
            report(text, .outOfRange, "\(value) is out of range", hint: hint)
            return nil
        }
        return value
    }

    func number(_ text: Located<String>, in range: ClosedRange<Double>) -> Double? {
        let hint = "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        guard let value = Self.decimal(text.value) else {
            report(text, .badValue, "'\(text.value)' is not a number", hint: hint)
            return nil
        }
        guard range.contains(value) else {
            report(text, .outOfRange, "\(text.value) is out of range", hint: hint)
            return nil
        }
        return value
    }

    /// `20%`.
    func share(_ text: Located<String>) -> Double? {
        guard let value = Self.decimal(String(text.value.dropLast())), text.value.hasSuffix("%") else {
            report(text, .badValue, "'\(text.value)' is not a share", hint: "a percentage such as 20%")
            return nil
        }
        guard value <= 100 else {
            report(text, .outOfRange, "\(text.value) is out of range", hint: "from 0% to 100%")
            return nil
        }
        return value / 100
    }

    func flag(_ text: Located<String>) -> Bool? {
        switch text.value {
        case "true": return true
        case "false": return false
        default:
            report(text, .badValue, "'\(text.value)' is neither true nor false", hint: "write true or false")
            return nil
        }
    }

    /// `250ms`, `5s`, `2m`, `1h`; the unit is needed, except for 0.
    func time(_ text: Located<String>, in range: ClosedRange<TimeAmount>) -> TimeAmount? {
        let value: TimeAmount
        if text.value == "0" {
            value = .zero
        } else {
            guard text.value.last?.isLetter == true,
                let time = try? DurationText.parse(text.value, option: text.path, allowingZero: true)
            else {
                let hint =
                    Self.decimal(text.value) == nil
                    ? "a time such as 250ms, 5s, 2m or 1h, at most a week" : "the unit is missing: \(text.value)s?"
                report(text, .badValue, "'\(text.value)' is not a time", hint: hint)
                return nil
            }
            value = time
        }
        guard range.contains(value) else {
            let from = DurationText.render(range.lowerBound)
            report(
                text, .outOfRange, "\(text.value) is out of range",
                hint: "from \(from) to \(DurationText.render(range.upperBound))")
            return nil
        }
        return value
    }

    /// `2s`, or `1s to 5s`.
    func timeRange(_ text: Located<String>, in range: ClosedRange<TimeAmount>) -> ClosedRange<TimeAmount>? {
        let parts = text.value.split(separator: " ")
        guard parts.count == 3, parts[1] == "to" else {
            guard let time = time(text, in: range) else { return nil }
            return time...time
        }
        var part = text
        part.value = String(parts[0])
        let first = time(part, in: range)
        part.value = String(parts[2])
        guard let first, let last = time(part, in: range) else { return nil }
        guard first <= last else {
            report(text, .badValue, "'\(text.value)' ends before it begins", hint: "\(parts[2]) to \(parts[0])?")
            return nil
        }
        return first...last
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ text: Located<String>, _: Choice.Type) -> Choice? {
        if let choice = Choice(rawValue: text.value) { return choice }
        report(
            text, .badValue, "there is no '\(text.value)' here",
            hint: NearestName.hint(for: text.value, among: Choice.allCases.map(\.rawValue)))
        return nil
    }

    func template(_ text: Located<String>, allowing variables: Set<TextTemplate.Variable>) -> TextTemplate? {
        do {
            return try TextTemplate(text.value, allowing: variables)
        } catch {
            report(text, .badValue, error.explanation)
            return nil
        }
    }

    /// Digits with at most one point: neither signs nor exponents, which nobody writes by hand.
    static func decimal(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
            let value = Double(text), value.isFinite
        else { return nil }
        return value
    }

    /// Without a fraction of zero.
    static func short(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}

/// The same by key.
extension KeyReader {
    private var scalars: ScalarReader { ScalarReader(mistakes: mistakes) }

    mutating func text(_ key: String) -> Located<String>? {
        guard let node = node(key) else { return nil }
        return scalars.text(node, path: path(of: key))
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        text(key).flatMap { scalars.integer($0, in: range) }
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        text(key).flatMap { scalars.number($0, in: range) }
    }

    mutating func share(_ key: String) -> Double? {
        text(key).flatMap { scalars.share($0) }
    }

    mutating func flag(_ key: String) -> Bool? {
        text(key).flatMap { scalars.flag($0) }
    }

    mutating func time(_ key: String, in range: ClosedRange<TimeAmount>) -> TimeAmount? {
        text(key).flatMap { scalars.time($0, in: range) }
    }

    mutating func timeRange(_ key: String, in range: ClosedRange<TimeAmount>) -> ClosedRange<TimeAmount>? {
        text(key).flatMap { scalars.timeRange($0, in: range) }
    }

    mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(_ key: String, _ type: Choice.Type) -> Choice?
    {
        text(key).flatMap { scalars.choice($0, type) }
    }

    mutating func template(_ key: String, allowing variables: Set<TextTemplate.Variable>) -> TextTemplate? {
        text(key).flatMap { scalars.template($0, allowing: variables) }
    }
}
