/// What the subjects of a CA's certificates must be: a list of attributes, each with its value or `*` for any.
///
/// A subject fits when it has exactly these attributes in this order. A CA that issues from requests needs one, because
/// what a request wants to be called decides about who a device is.
struct SubjectPolicy: Equatable {
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private struct Attribute: Equatable {
        let name: String
        /// Nil: any that is not empty.
        let value: String?
    }

    private let attributes: [Attribute]

    /// - Parameter text: As a subject is written, such as `O=Elbe Netz,OU=*,CN=*`.
    init(parsing text: String) throws(Mistake) {
        do throws(SubjectText.Mistake) {
            self.attributes = try SubjectText(parsing: text).attributes.map {
                Attribute(name: $0.name, value: $0.value == "*" ? nil : $0.value)
            }
        } catch {
            throw Mistake(description: error.description)
        }
    }

    /// Why a subject does not fit; nil: it does.
    func objection(to subject: [(name: String, value: String)]) -> String? {
        let wanted = attributes.map { "\($0.name)=\($0.value ?? "*")" }.joined(separator: ",")
        guard subject.count == attributes.count else {
            return "the subject has \(subject.count) attributes, and this CA's policy is \(wanted)"
        }
        for (have, want) in zip(subject, attributes) {
            guard have.name.lowercased() == want.name.lowercased() else {
                return "the subject has \(have.name) where this CA's policy (\(wanted)) has \(want.name)"
            }
            if let value = want.value, !have.value.utf8.elementsEqual(value.utf8) {
                return "the subject's \(have.name) is `\(have.value)`, and this CA's policy asks for `\(value)`"
            }
            // A name that a terminal or a topic would read as something else is nobody's honest name.
            if have.value.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) {
                return "the subject's \(have.name) has control characters in it"
            }
        }
        return nil
    }
}
