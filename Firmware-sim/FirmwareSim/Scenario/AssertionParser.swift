import NIOCore

/// Reads an assertion.
///
///     assertion  = metric { "of" FLEET | "during" STAGE } comparison bound
///     metric     = ( "p" NUMBER | "max" ) latency
///                | "failures" [ PATTERN ] | "unexpected" | "connected" | "time to" SHARE "connected"
///                | "handshakes/s" | "resumed" | "lost publishes" | "unanswered commands"
///     latency    = "tcp" | "handshake" | "connack" | "connect" | "send" | "round trip"
///                | "established round trip" | "command"
///     comparison = "<" | "<=" | "==" | "!=" | ">=" | ">"
///     bound      = TIME | SHARE | NUMBER
///
/// FLEET and STAGE are names, PATTERN is a ``ReasonPattern``, SHARE is `99%`, TIME is `500ms` and needs its unit.
struct AssertionParser {
    private struct Token {
        var text: String
        var column: Int
    }

    private let text: String
    private var tokens: [Token] = []
    private var position = 0

    init(_ text: String) {
        self.text = text
        tokens = Self.tokens(of: text)
    }

    /// Characters an assertion has at most: the longest names and a pattern fit.
    static let charactersMax = 300

    mutating func parse() throws(AssertionMistake) -> Assertion {
        guard text.utf8.count <= Self.charactersMax else {
            throw AssertionMistake(column: 1, problem: "the text is too long", hint: "at most \(Self.charactersMax)")
        }
        let start = column
        let metric = try metric()
        var fleet: String?
        var stage: String?
        while let word = peek, word == "of" || word == "during" {
            let at = column
            advance()
            guard let name = peek, Self.comparison(name) == nil else {
                throw mistake("a name is missing after '\(word)'", hint: "of FLEET, during STAGE")
            }
            guard word == "of" ? fleet == nil : stage == nil else {
                throw AssertionMistake(column: at, problem: "'\(word)' is there twice")
            }
            guard word == "of" ? metric.takesFleet : metric.takesStage else {
                throw AssertionMistake(
                    column: at, problem: "'\(word)' does not go with this figure", hint: metric.scope)
            }
            if word == "of" { fleet = name } else { stage = name }
            advance()
        }
        guard let word = peek, let comparison = Self.comparison(word) else {
            throw mistake(
                peek.map { "'\($0)' where a comparison is due" } ?? "the comparison is missing",
                hint: "<, <=, ==, !=, >= or >, after 'of FLEET' and 'during STAGE'")
        }
        advance()
        let (bound, isShare) = try bound(for: metric)
        guard peek == nil else { throw mistake("'\(peek ?? "")' after the end") }
        var decided = metric
        if isShare, metric == .connected { decided = .connectedShare }
        if case .latency(_, let percentile) = metric, !(0...100).contains(percentile) {
            throw AssertionMistake(column: start, problem: "a percentile is from p0 to p100")
        }
        return Assertion(
            text: text, metric: decided, fleet: fleet, stage: stage, comparison: comparison, bound: bound)
    }

    // MARK: Metrics

    private mutating func metric() throws(AssertionMistake) -> Assertion.Metric {
        guard let word = peek else { throw mistake("there is nothing", hint: Self.metricHint) }
        if let percentile = Self.percentile(word) {
            advance()
            return .latency(try latency(), percentile: percentile)
        }
        switch word {
        case "failures":
            advance()
            guard let next = peek, next.contains("/") else { return .failures(matching: nil) }
            do {
                _ = try ReasonPattern.reading(next)
                advance()
                return .failures(matching: next)
            } catch {
                throw mistake(error.problem, hint: error.hint)
            }
        case "unexpected": return taking(1, .unexpected)
        case "connected": return taking(1, .connected)
        case "handshakes/s": return taking(1, .handshakeRate)
        case "resumed": return taking(1, .resumedShare)
        case "lost":
            advance()
            try expect("publishes")
            return .lostPublishes
        case "unanswered":
            advance()
            try expect("commands")
            return .unansweredCommands
        case "time":
            advance()
            try expect("to")
            guard let text = peek, let share = Self.share(text), Self.milestones.contains(share) else {
                throw mistake("a share is due here", hint: "50%, 90%, 99% or 100%, which are what is measured")
            }
            advance()
            try expect("connected")
            return .timeToConnected(share: share)
        default:
            let nearest = NearestName.find(word, among: Self.metricWords)
            throw mistake(
                "no figure begins with '\(word)'", hint: nearest.map { "did you mean '\($0)'?" } ?? Self.metricHint)
        }
    }

    private mutating func latency() throws(AssertionMistake) -> LatencyKind {
        guard let word = peek else { throw mistake("the latency is missing", hint: Self.latencyHint) }
        switch word {
        case "tcp": return taking(1, .tcp)
        case "handshake": return taking(1, .tls)
        case "connack": return taking(1, .connack)
        case "connect": return taking(1, .connected)
        case "send": return taking(1, .send)
        case "command": return taking(1, .command)
        case "round":
            advance()
            try expect("trip")
            return .publish
        case "established":
            advance()
            try expect("round")
            try expect("trip")
            return .established
        default:
            let nearest = NearestName.find(word, among: Self.latencyWords)
            throw mistake(
                "there is no latency '\(word)'", hint: nearest.map { "did you mean '\($0)'?" } ?? Self.latencyHint)
        }
    }

    private static let metricWords = [
        "failures", "unexpected", "connected", "time to", "handshakes/s", "resumed", "lost publishes",
        "unanswered commands",
    ]
    private static let metricHint = "p99 LATENCY, max LATENCY, " + metricWords.joined(separator: ", ")
    private static let latencyWords = [
        "tcp", "handshake", "connack", "connect", "send", "round trip", "established round trip", "command",
    ]
    private static let latencyHint = "known are \(latencyWords.joined(separator: ", "))"
    private static let milestones = [0.5, 0.9, 0.99, 1.0]

    private static func percentile(_ word: String) -> Double? {
        if word == "max" { return 100 }
        guard word.hasPrefix("p") else { return nil }
        return ScalarReader.decimal(String(word.dropFirst()))
    }

    // MARK: Bounds

    private mutating func bound(for metric: Assertion.Metric) throws(AssertionMistake) -> (Double, isShare: Bool) {
        guard let word = peek else { throw mistake("the bound is missing", hint: metric.boundHint) }
        let time = word.last?.isLetter == true ? try? DurationText.parse(word, option: "", allowingZero: true) : nil
        let number = ScalarReader.decimal(word)
        let share = Self.share(word)
        let value: (Double, Bool)? =
            switch metric {
            case .latency, .timeToConnected: time.map { (Double($0.nanoseconds) / 1_000, false) }
            case .resumedShare, .connectedShare: share.map { ($0, true) }
            case .connected: share.map { ($0, true) } ?? number.map { ($0, false) }
            case .failures, .unexpected, .handshakeRate, .lostPublishes, .unansweredCommands:
                number.map { ($0, false) }
            }
        guard let value else { throw mistake("'\(word)' is no bound for this figure", hint: metric.boundHint) }
        advance()
        return value
    }

    private static func share(_ word: String) -> Double? {
        guard word.hasSuffix("%"), let value = ScalarReader.decimal(String(word.dropLast())), value <= 100 else {
            return nil
        }
        return value / 100
    }

    private static func comparison(_ word: String) -> Assertion.Comparison? { Assertion.Comparison(rawValue: word) }

    // MARK: Tokens

    /// Words, and comparisons, which need no space around them.
    private static func tokens(of text: String) -> [Token] {
        let operators: Set<Character> = ["<", ">", "=", "!"]
        var tokens: [Token] = []
        var isOperator: Bool?
        for (index, character) in text.enumerated() {
            guard !character.isWhitespace else {
                isOperator = nil
                continue
            }
            let belongs = operators.contains(character)
            if isOperator == belongs, !tokens.isEmpty {
                tokens[tokens.count - 1].text.append(character)
            } else {
                tokens.append(Token(text: String(character), column: index + 1))
            }
            isOperator = belongs
        }
        return tokens
    }

    private var peek: String? { position < tokens.count ? tokens[position].text : nil }

    /// Of the next token, or just beyond the end.
    private var column: Int { position < tokens.count ? tokens[position].column : text.count + 1 }

    private mutating func advance() { position += 1 }

    private mutating func taking<Value>(_ count: Int, _ value: Value) -> Value {
        position += count
        return value
    }

    private mutating func expect(_ word: String) throws(AssertionMistake) {
        guard peek == word else {
            throw mistake(peek.map { "'\($0)' where '\(word)' is due" } ?? "'\(word)' is missing")
        }
        advance()
    }

    private func mistake(_ problem: String, hint: String? = nil) -> AssertionMistake {
        AssertionMistake(column: column, problem: problem, hint: hint)
    }
}

extension Assertion {
    /// Reads the text alone: whether fleet and stage exist is for ``Scenario`` to say.
    ///
    /// - Throws: ``AssertionMistake`` with the column.
    init(_ text: String) throws(AssertionMistake) {
        var parser = AssertionParser(text)
        self = try parser.parse()
    }
}

extension Assertion.Metric {
    /// Whether a report has the figure for each fleet.
    fileprivate var takesFleet: Bool {
        switch self {
        case .latency, .failures, .unexpected, .connected, .connectedShare, .handshakeRate, .resumedShare: true
        case .timeToConnected, .lostPublishes, .unansweredCommands: false
        }
    }

    /// Whether a report has the figure for each stage.
    fileprivate var takesStage: Bool {
        switch self {
        case .latency, .failures, .timeToConnected, .handshakeRate, .resumedShare: true
        case .unexpected, .connected, .connectedShare, .lostPublishes, .unansweredCommands: false
        }
    }

    fileprivate var scope: String {
        switch (takesFleet, takesStage) {
        case (true, true): "it takes both"
        case (true, false): "it is of the whole run; 'of FLEET' goes"
        case (false, true): "it is over all fleets; 'during STAGE' goes"
        case (false, false): "it is of the whole run, over all fleets"
        }
    }

    fileprivate var boundHint: String {
        switch self {
        case .latency, .timeToConnected: "a time with its unit, such as 500ms or 2s"
        case .resumedShare: "a share, such as 50%"
        case .connected, .connectedShare: "a share, such as 99%, or a number of devices"
        case .failures, .unexpected, .handshakeRate, .lostPublishes, .unansweredCommands: "a number"
        }
    }
}
