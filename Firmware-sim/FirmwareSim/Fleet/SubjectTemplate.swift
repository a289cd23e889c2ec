/// An attribute type of a certificate's subject, by its short name (RFC 4514 section 3 and X.520).
enum SubjectAttribute: String, Sendable, Hashable, CaseIterable {
    case commonName = "CN"
    case organization = "O"
    case organizationalUnit = "OU"
    case country = "C"
    case state = "ST"
    case locality = "L"
    case street = "STREET"
    case serialNumber
    case domainComponent = "DC"
    case userID = "UID"
    case title

    /// Looks a short name up without regard to case, as RFC 4514 compares them.
    init?(shortName: some StringProtocol) {
        let wanted = shortName.lowercased()
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == wanted }) else { return nil }
        self = found
    }
}

/// The subject of a fleet's certificates: `O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06}`.
///
/// Attributes stand in the order of the certificate, most significant first. `\,`, `\=` and `\\` are the characters
/// themselves. A common name is required, because it is what the devices are called in topics and reports.
struct SubjectTemplate: Sendable, Equatable {
    let attributes: [Attribute]

    struct Attribute: Sendable, Equatable {
        let type: SubjectAttribute
        let value: TextTemplate
    }

    /// A rendered subject, in the order of the certificate.
    struct Subject: Sendable, Equatable {
        let attributes: [(type: SubjectAttribute, value: String)]

        /// The common name.
        let commonName: String

        /// The value of each attribute; the first where one is there several times.
        var values: [SubjectAttribute: String] {
            Dictionary(attributes.map { ($0.type, $0.value) }, uniquingKeysWith: { first, _ in first })
        }

        /// For people and for comparing, not for parsing.
        var text: String {
            attributes.map { "\($0.type.rawValue)=\($0.value)" }.joined(separator: ",")
        }

        static func == (lhs: Subject, rhs: Subject) -> Bool { lhs.text == rhs.text }
    }

    init(_ text: String) throws(SimulatorError) {
        var attributes: [Attribute] = []
        for component in try Self.split(text) {
            guard let equals = component.firstIndex(of: "=") else {
                throw .options("bad-subject", "subject '\(text)': '\(component)' is not ATTRIBUTE=VALUE")
            }
            let name = component[..<equals].trimmingSpaces()
            let value = component[component.index(after: equals)...].trimmingSpaces()
            guard let type = SubjectAttribute(shortName: name) else {
                let known = SubjectAttribute.allCases.map(\.rawValue).joined(separator: ", ")
                throw .options("bad-subject", "subject '\(text)': no attribute '\(name)'; known are \(known)")
            }
            guard !value.isEmpty else {
                throw .options("bad-subject", "subject '\(text)': \(type.rawValue) is empty")
            }
            let template = try TextTemplate(try Self.unescape(value, in: text), allowing: [.number, .fleet])
            attributes.append(Attribute(type: type, value: template))
        }
        guard attributes.filter({ $0.type == .commonName }).count == 1 else {
            throw .options("bad-subject", "subject '\(text)' needs exactly one CN, which names the device")
        }
        self.attributes = attributes
    }

    /// - Throws: ``SimulatorError`` if a value comes out longer than a certificate may hold.
    func render(_ values: TemplateValues) throws(SimulatorError) -> Subject {
        var rendered: [(type: SubjectAttribute, value: String)] = []
        var commonName = ""
        for attribute in attributes {
            let value = attribute.value.render(values)
            guard value.count <= SimulatorLimits.subjectValueBytesMax else {
                throw .options(
                    "subject-too-long",
                    "\(attribute.type.rawValue) of device \(values.number) has more than "
                        + "\(SimulatorLimits.subjectValueBytesMax) characters: '\(value)'")
            }
            if attribute.type == .commonName { commonName = value }
            rendered.append((attribute.type, value))
        }
        return Subject(attributes: rendered, commonName: commonName)
    }

    /// Splits at commas that no backslash precedes; backslashes stay.
    private static func split(_ text: String) throws(SimulatorError) -> [String] {
        var components: [String] = []
        var current = ""
        var isEscaped = false
        for character in text {
            if character == "," && !isEscaped {
                components.append(current)
                current = ""
                continue
            }
            isEscaped = character == "\\" && !isEscaped
            current.append(character)
        }
        components.append(current)
        return components
    }

    private static func unescape(_ value: String, in subject: String) throws(SimulatorError) -> String {
        var output = ""
        var iterator = value.makeIterator()
        while let character = iterator.next() {
            guard character == "\\" else {
                output.append(character)
                continue
            }
            guard let escaped = iterator.next(), escaped == "," || escaped == "=" || escaped == "\\" else {
                throw .options("bad-subject", "subject '\(subject)': '\\' escapes only ',', '=' and '\\'")
            }
            output.append(escaped)
        }
        return output
    }
}

extension StringProtocol {
    /// Without spaces at either end.
    func trimmingSpaces() -> String {
        var rest = self[...]
        while rest.first == " " { rest = rest.dropFirst() }
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}
