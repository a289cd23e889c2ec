/// A pattern over one value of a certificate: literal text and captures, anchored at both ends.
///
/// A pattern that can be read into a value in more than one way does not decide for one of them: the value is
/// `ambiguous`, so that no identity rests on a rule like "the shortest first".
struct ValuePattern: Sendable, Hashable {
    struct Capture: Sendable, Hashable {
        let name: String
        let type: CaptureType
        /// What the value may consist of.
        let bytes: ByteSet
        /// How many bytes the value may have; at least one.
        let lengths: ClosedRange<Int>
        /// The literal text that follows: empty only after the last capture.
        let following: [UInt8]
    }

    /// The literal text before the first capture, or the whole pattern.
    let prefix: [UInt8]
    let captures: [Capture]

    /// Whether the pattern stands for one value only.
    var isLiteral: Bool { captures.isEmpty }

    init(parsing text: String) throws(BracedText.Malformed) {
        let pieces = try BracedText(parsing: text).pieces
        guard !pieces.isEmpty else {
            throw BracedText.Malformed(
                message: "an empty pattern matches nothing", hint: "leave the key out when its value does not matter")
        }
        var prefix: [UInt8] = []
        var captures: [Capture] = []
        for (position, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let literal):
                // Literals after a capture were taken up with it.
                if position == 0 { prefix = Array(literal.utf8) }
            case .placeholder(let name, let typeName):
                let (type, lengths) = try CaptureType.parse(typeName)
                guard BracedText.registryAttribute(in: name) == nil else {
                    throw BracedText.Malformed(
                        message: "`{\(name)}` is a value of the registry and cannot be captured",
                        hint: "choose a name without `\(BracedText.registryPrefix)`")
                }
                guard !captures.contains(where: { $0.name == name }) else {
                    throw BracedText.Malformed(message: "`{\(name)}` stands twice in one pattern", hint: nil)
                }
                var following: [UInt8] = []
                if position + 1 < pieces.count {
                    guard case .literal(let literal) = pieces[position + 1] else {
                        throw BracedText.Malformed(
                            message: "nothing separates `{\(name)}` from the capture after it",
                            hint: "put literal text between two captures")
                    }
                    following = Array(literal.utf8)
                }
                captures.append(
                    Capture(name: name, type: type, bytes: type.bytes, lengths: lengths, following: following))
            }
        }
        guard captures.count <= PolicyBounds.capturesPerPatternMax else {
            throw BracedText.Malformed(
                message: "\(captures.count) captures, at most \(PolicyBounds.capturesPerPatternMax) are allowed",
                hint: nil)
        }
        self.prefix = prefix
        self.captures = captures
    }
}
