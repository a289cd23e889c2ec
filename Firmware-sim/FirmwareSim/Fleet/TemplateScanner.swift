/// Reads a ``TextTemplate``. Columns in its errors count characters from 1, as a person does.
struct TemplateScanner {
    private let characters: [Character]
    private let allowed: Set<TextTemplate.Variable>
    private var position = 0

    /// Largest operand of placeholder arithmetic.
    private static let operandDigitsMax = 9

    init(_ text: String, allowed: Set<TextTemplate.Variable>) {
        self.characters = Array(text)
        self.allowed = allowed
    }

    mutating func parse() throws(SimulatorError) -> [TextTemplate.Part] {
        var parts: [TextTemplate.Part] = []
        var literal = ""
        while let character = next() {
            switch character {
            case "{" where peek() == "{", "}" where peek() == "}":
                position += 1
                literal.append(character)
            case "{":
                if !literal.isEmpty {
                    parts.append(.literal(literal))
                    literal = ""
                }
                parts.append(try parsePlaceholder(openedAt: position))
            case "}":
                throw mistake("a lone '}' (write '}}' for the character itself)", at: position)
            default:
                literal.append(character)
            }
        }
        if !literal.isEmpty {
            parts.append(.literal(literal))
        }
        return parts
    }

    private mutating func parsePlaceholder(openedAt column: Int) throws(SimulatorError) -> TextTemplate.Part {
        var name = ""
        while let character = peek(), character.isASCII, character.isLetter {
            name.append(character)
            position += 1
        }
        guard let variable = allowed.first(where: { $0.name == name }) else {
            let known = allowed.map { "{\($0.name)}" }.sorted().joined(separator: " ")
            throw mistake("no placeholder is called '\(name)' here; known are \(known)", at: column)
        }
        guard case .number = variable else {
            guard next() == "}" else {
                throw mistake("'{\(name)' stands for text and must be closed at once by '}'", at: column)
            }
            return .text(variable)
        }
        return try parseNumber(openedAt: column)
    }

    private mutating func parseNumber(openedAt column: Int) throws(SimulatorError) -> TextTemplate.Part {
        var operations: [TextTemplate.Operation] = []
        while let character = next() {
            switch character {
            case "+": operations.append(.add(try parseOperand(mayBeZero: true)))
            case "-": operations.append(.subtract(try parseOperand(mayBeZero: true)))
            case "/": operations.append(.divide(try parseOperand(mayBeZero: false)))
            case "%": operations.append(.remainder(try parseOperand(mayBeZero: false)))
            case ":":
                let digits = try parseOperand(mayBeZero: false)
                guard digits <= SimulatorLimits.templateDigitsMax else {
                    throw mistake("at most \(SimulatorLimits.templateDigitsMax) digits of padding", at: position)
                }
                guard next() == "}" else {
                    throw mistake("the width must be followed by '}'", at: position)
                }
                return .number(operations, digits: digits)
            case "}":
                return .number(operations, digits: 0)
            default:
                throw mistake(
                    "'\(character)' in a placeholder; '+', '-', '/', '%', ':' or '}' can follow", at: position)
            }
        }
        throw mistake("a '{' without its '}'", at: column)
    }

    private mutating func parseOperand(mayBeZero: Bool) throws(SimulatorError) -> Int {
        let column = position + 1
        var digits = ""
        while let character = peek(), character.isASCII, character.isNumber {
            digits.append(character)
            position += 1
        }
        guard digits.count <= Self.operandDigitsMax, let value = Int(digits) else {
            throw mistake("a number of 1 to \(Self.operandDigitsMax) digits is needed", at: column)
        }
        guard value > 0 || mayBeZero else {
            throw mistake("the number must not be 0", at: column)
        }
        return value
    }

    private func peek() -> Character? {
        position < characters.count ? characters[position] : nil
    }

    private mutating func next() -> Character? {
        guard let character = peek() else { return nil }
        position += 1
        return character
    }

    private func mistake(_ what: String, at column: Int) -> SimulatorError {
        .options("bad-template", "template '\(String(characters))', column \(column): \(what)")
    }
}
