/// What reasons are expected or counted: `PHASE/CODE`, where either part may end in `*`, which stands for anything that
/// follows. `*/alert-*` is any alert in any phase.
struct ReasonPattern: Sendable, Equatable, CustomStringConvertible {
    private struct Part: Sendable, Equatable {
        let text: String
        let isPrefix: Bool

        init?(_ text: Substring) {
            isPrefix = text.hasSuffix("*")
            self.text = String(isPrefix ? text.dropLast() : text)
            // One star, at the end: anything else would read as if it meant more.
            guard !self.text.contains("*"), isPrefix || !self.text.isEmpty else { return nil }
        }

        func matches(_ other: String) -> Bool {
            isPrefix ? other.hasPrefix(text) : other == text
        }
    }

    private let phase: Part
    private let code: Part

    /// - Returns: nil if the text is not `PHASE/CODE`, or if no phase can match it.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let phase = Part(parts[0]), let code = Part(parts[1]),
            FailureReason.Phase.allCases.contains(where: { phase.matches($0.rawValue) })
        else { return nil }
        self.phase = phase
        self.code = code
    }

    func matches(_ reason: FailureReason) -> Bool {
        phase.matches(reason.phase.rawValue) && code.matches(reason.code)
    }

    /// - Parameters:
    ///   - phase: As ``FailureReason/Phase``'s raw value.
    ///   - code: As ``FailureReason/code``.
    func matches(phase: String, code: String) -> Bool {
        self.phase.matches(phase) && self.code.matches(code)
    }

    var description: String {
        "\(phase.text)\(phase.isPrefix ? "*" : "")/\(code.text)\(code.isPrefix ? "*" : "")"
    }
}

extension FailureReason: CustomStringConvertible {
    /// `PHASE/CODE`.
    var description: String { "\(phase.rawValue)/\(code)" }
}
