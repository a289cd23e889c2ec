extension ReasonPattern {
    /// Why a text is no pattern, in words for people.
    struct Mistake: Error, Equatable {
        var problem: String
        var hint: String
    }

    /// Reads what an operator wrote: `tls/alert-unknown-ca`, `tls/*`, `*/eof`, `connack/connack-*`. Stricter than
    /// ``init(_:)``: the phase is one there is, or `*` for any, and the code is spelled as codes are.
    static func reading(_ text: String) throws(Mistake) -> ReasonPattern {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Mistake(problem: "'\(text)' is not PHASE/CODE", hint: "such as tls/alert-unknown-ca, or */eof")
        }
        let phases = FailureReason.Phase.allCases.map(\.rawValue) + ["*"]
        guard phases.contains(String(parts[0])) else {
            throw Mistake(
                problem: "there is no phase '\(parts[0])'", hint: NearestName.hint(for: String(parts[0]), among: phases)
            )
        }
        let code = parts[1].hasSuffix("*") ? parts[1].dropLast() : parts[1]
        let isSpelled = code.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
        guard isSpelled, code.utf8.count <= 64, let pattern = ReasonPattern(text) else {
            throw Mistake(
                problem: "'\(parts[1])' is not a failure's code", hint: "small letters, digits and '-', or ending in *")
        }
        return pattern
    }
}
