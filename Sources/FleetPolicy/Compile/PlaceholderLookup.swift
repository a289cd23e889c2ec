/// The attributes of the registry that the topics of one profile use, in the order in which they were first used.
///
/// Used by one task at a time, while a profile is compiled.
final class RegistryPlaceholders {
    private(set) var names: [String] = []

    func index(of name: String) -> Int {
        if let index = names.firstIndex(of: name) { return index }
        names.append(name)
        return names.count - 1
    }
}

@available(*, unavailable) extension RegistryPlaceholders: Sendable {}

/// Finds the captures, and the attributes of the registry, that templates name.
struct PlaceholderLookup {
    let match: CompiledMatch?
    let mistakes: MistakeCollector

    /// The place of a placeholder: that of a capture in `CertificateMatcher.captureNames`; or, for an attribute of the
    /// registry, its place in `CompiledMatch.registry` after all the captures. Nil, and reported, when there is none
    /// such. When the match itself is wrong, nothing is reported: what it captures is not known.
    func index(of name: String, _ type: String?, in text: Located<String>) -> Int? {
        if let type {
            mistakes.report(
                .badValue, about: text, "a type, as in `{\(name):\(type)}`, belongs where the value is captured",
                hint: "write {\(name)} here")
        }
        guard let match else { return nil }
        if let attribute = BracedText.registryAttribute(in: name) {
            return registryIndex(of: attribute, match, in: text)
        }
        if let index = match.captures.firstIndex(where: { $0.name == name }) {
            guard match.captures[index].isProven else {
                mistakes.report(
                    .unsafeIdentity, about: text, "`{\(name)}` is captured from `sni` alone, which proves nothing",
                    hint: "capture the same name from `subject` or `san` too: both have to be equal then")
                return nil
            }
            return index
        }
        let names = match.captures.map(\.name)
        let hint =
            if let nearest = Spelling.nearest(to: name, among: names) {
                "did you mean `{\(nearest)}`?"
            } else if names.isEmpty {
                "`match` captures nothing"
            } else {
                "captured are \(names.map { "{\($0)}" }.joined(separator: ", "))"
            }
        let of = match.quarantineOf.map { " of profile `\($0)`, whose quarantine profile this is," } ?? ""
        mistakes.report(.undefinedPlaceholder, about: text, "nothing in `match`\(of) captures `{\(name)}`", hint: hint)
        return nil
    }

    private func registryIndex(of attribute: String, _ match: CompiledMatch, in text: Located<String>) -> Int? {
        let index = match.registry.index(of: attribute)
        guard index < PolicyBounds.registryValuesPerProfileMax else {
            mistakes.report(
                .outOfRange, about: text,
                "more than \(PolicyBounds.registryValuesPerProfileMax) attributes of the registry in one profile")
            return nil
        }
        return match.captures.count + index
    }
}
