/// Text with placeholders, rendered once for each device.
///
/// `{n}` is the device's number within its fleet, counted from 1. It may be followed by arithmetic, applied from left to
/// right (`{n%10}`, `{n/100%7}`, `{n+5000}`, `{n-1}`), and by a width to pad to with zeros (`{n:06}`, `{n%10:02}`). Other names stand
/// for text (`{fleet}`, `{device}`, …). `{{` and `}}` are literal braces.
struct TextTemplate: Sendable, Equatable {
    /// What a placeholder may name. Which of them are allowed depends on where the template is used.
    enum Variable: Hashable, Sendable {
        /// `{n}`: the device's number within its fleet.
        case number
        /// `{fleet}`: the fleet's name.
        case fleet
        /// `{device}`: the common name of the device's certificate.
        case device
        /// `{client}`: the MQTT client id.
        case client
        /// `{peer}`: the name of another device, the one that is commanded, updated or robbed.
        case peer
        /// `{O}`, `{OU}`, …: the value of that attribute in the device's subject.
        case attribute(SubjectAttribute)

        var name: String {
            switch self {
            case .number: "n"
            case .fleet: "fleet"
            case .device: "device"
            case .client: "client"
            case .peer: "peer"
            case .attribute(let attribute): attribute.rawValue
            }
        }
    }

    enum Operation: Sendable, Equatable {
        case add(Int)
        case subtract(Int)
        case divide(Int)
        case remainder(Int)
    }

    enum Part: Sendable, Equatable {
        case literal(String)
        case text(Variable)
        case number([Operation], digits: Int)
    }

    let parts: [Part]

    /// - Parameters:
    ///   - text: The template as written.
    ///   - allowed: The variables this use of a template knows.
    /// - Throws: ``SimulatorError`` with the column of the mistake.
    init(_ text: String, allowing allowed: Set<Variable>) throws(SimulatorError) {
        guard text.utf8.count <= SimulatorLimits.templateBytesMax else {
            throw .options("template-too-long", "a template has at most \(SimulatorLimits.templateBytesMax) bytes")
        }
        var scanner = TemplateScanner(text, allowed: allowed)
        self.parts = try scanner.parse()
    }

    /// A text without placeholders.
    init(literal text: String) {
        self.parts = text.isEmpty ? [] : [.literal(text)]
    }

    /// Whether devices of one fleet can differ in it.
    var dependsOnDevice: Bool {
        parts.contains { part in
            switch part {
            case .literal: false
            case .text(.fleet): false
            case .text, .number: true
            }
        }
    }

    func render(_ values: TemplateValues) -> String {
        var output = ""
        for part in parts {
            switch part {
            case .literal(let text):
                output += text
            case .text(let variable):
                output += values.text(of: variable)
            case .number(let operations, let digits):
                let digitsText = String(Self.apply(operations, to: values.number))
                output += String(repeating: "0", count: max(0, digits - digitsText.count))
                output += digitsText
            }
        }
        return output
    }

    private static func apply(_ operations: [Operation], to number: Int) -> Int {
        // Operands are bounded to nine digits at parsing, so only a chain of additions could come near overflow, and the
        // length of a template bounds that chain.
        operations.reduce(number) { value, operation in
            switch operation {
            case .add(let operand): value &+ operand
            case .subtract(let operand): max(0, value &- operand)
            case .divide(let operand): value / operand
            case .remainder(let operand): value % operand
            }
        }
    }
}

/// What a device's placeholders stand for.
struct TemplateValues: Sendable {
    var number: Int
    var fleet: String
    var device: String = ""
    var client: String = ""
    var peer: String = ""
    var attributes: [SubjectAttribute: String] = [:]

    func text(of variable: TextTemplate.Variable) -> String {
        switch variable {
        case .number: String(number)
        case .fleet: fleet
        case .device: device
        case .client: client
        case .peer: peer
        case .attribute(let attribute): attributes[attribute] ?? ""
        }
    }
}
