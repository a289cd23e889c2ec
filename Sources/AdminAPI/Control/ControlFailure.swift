/// Why a control request did not do what it asked for: the last line of the answer, under the key `error`.
public struct ControlFailure: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// One mistake of several in what was sent, at its place.
    public struct Mistake: Sendable, Hashable, Codable {
        /// The file, as the server knows it; nil: what was sent.
        public let file: String?
        /// 1 is the first line; 0: the whole.
        public let line: Int
        /// 1 is the first column; nil: the line as a whole.
        public let column: Int?
        /// The dotted path of the key at fault; nil or empty: none.
        public let key: String?
        /// A stable code in kebab-case, where there is one.
        public let code: String?
        public let message: String
        public let hint: String?

        public init(
            file: String? = nil, line: Int, column: Int? = nil, key: String? = nil, code: String? = nil,
            message: String, hint: String? = nil
        ) {
            self.file = file
            self.line = line
            self.column = column
            self.key = key
            self.code = code
            self.message = message
            self.hint = hint
        }
    }

    /// Mistakes in one answer. Whoever made a thousand has made one a thousand times.
    public static let mistakesMax = 1000

    /// Stable, in kebab-case.
    public let code: String
    /// One sentence for the operator.
    public let message: String
    /// At most ``mistakesMax``; nil: there is nothing to point at.
    public let mistakes: [Mistake]?
    /// How many mistakes there were in all; nil: as many as are listed.
    public let mistakeCount: Int?

    /// - Parameters:
    ///   - mistakes: Those beyond ``mistakesMax`` are counted and not listed.
    ///   - mistakeCount: Where more were found than are given here.
    public init(code: String, message: String, mistakes: [Mistake]? = nil, mistakeCount: Int? = nil) {
        self.code = code
        self.message = message
        self.mistakes = mistakes.map { Array($0.prefix(Self.mistakesMax)) }
        let count = max(mistakeCount ?? 0, mistakes?.count ?? 0)
        self.mistakeCount = count > (self.mistakes?.count ?? 0) ? count : nil
    }

    public var description: String { message }
}

extension ControlFailure {
    /// The request is not a POST.
    public static let methodNotAllowed = ControlFailure(
        code: "method-not-allowed", message: "a control request is a POST")
    /// There is no such route: the two programs are of different versions, for instance.
    public static let unknownRoute = ControlFailure(
        code: "unknown-route", message: "the gateway knows no such request: is it of another version than this program?"
    )
    /// The body ended before its end.
    public static let cutOff = ControlFailure(code: "request-cut-off", message: "the request ended before its end")
    /// The gateway could not do it, for reasons of its own, which are in its log.
    public static let internalError = ControlFailure(
        code: "internal-error", message: "the gateway failed; its log says why")

    /// The body is longer than the route takes.
    public static func tooLarge(bytesMax: Int) -> ControlFailure {
        ControlFailure(code: "request-too-large", message: "the request has more than \(bytesMax) bytes")
    }

    /// The body is not the JSON that the route takes.
    public static func badRequest(_ message: String) -> ControlFailure {
        ControlFailure(code: "bad-request", message: message)
    }
}
