/// Gives every profile what it inherits through `extends`, before its document is read. Works on the tree of the
/// document, so that a mistake in an inherited part is shown where it stands.
struct ProfileInheritance {
    /// Lists whose items are added to the base's; everything else a profile says replaces what its base says.
    private static let addedLists: Set<String> = ["publish", "subscribe", "deny-publish", "deny-subscribe"]
    /// Keys that are about one document only.
    private static let ownKeys: Set<String> = ["profile", "extends", "abstract"]

    typealias Entry = (key: String, keyLocation: SourceLocation, value: SourceNode)

    private let documents: [SourceNode]
    private let placesByName: [String: Int]
    private let mistakes: MistakeCollector

    /// The documents with everything they inherit; nil for one whose base is missing or goes in a circle, which has
    /// been reported.
    static func resolve(_ documents: [SourceNode], reporting mistakes: MistakeCollector) -> [SourceNode?] {
        let inheritance = ProfileInheritance(documents, mistakes)
        return documents.indices.map(inheritance.resolve)
    }

    private init(_ documents: [SourceNode], _ mistakes: MistakeCollector) {
        self.documents = documents
        self.mistakes = mistakes
        placesByName = Dictionary(
            documents.enumerated().compactMap { place, node in
                Self.entry("profile", of: node).flatMap { Self.text($0.value) }.map { ($0, place) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// What a document says about its base.
    private enum Base {
        case none
        case at(Int)
        /// No text, or no profile's name.
        case wrong(SourceNode)
    }

    private func base(of place: Int) -> Base {
        guard let extends = Self.entry("extends", of: documents[place])?.value, !extends.isNull else { return .none }
        guard let base = Self.text(extends).flatMap({ placesByName[$0] }) else { return .wrong(extends) }
        return .at(base)
    }

    /// A document with everything it inherits. What is wrong with its bases is reported with them, not here.
    private func resolve(_ place: Int) -> SourceNode? {
        if case .wrong(let extends) = base(of: place) {
            reportUnknown(extends)
            return nil
        }
        var chain = [place]
        while case .at(let next) = base(of: chain[chain.count - 1]) {
            if next == place {
                report(
                    .cyclicExtends, in: place,
                    chain.count == 1 ? "the profile extends itself" : "the profile extends itself, through others")
                return nil
            }
            guard !chain.contains(next) else { return nil }
            guard chain.count <= PolicyBounds.extendsDepthMax else {
                report(
                    .cyclicExtends, in: place, "more than \(PolicyBounds.extendsDepthMax) profiles in a chain",
                    hint: "put what they share into fewer profiles")
                return nil
            }
            chain.append(next)
        }
        if case .wrong = base(of: chain[chain.count - 1]) { return nil }
        guard let root = chain.popLast() else { return nil }
        return chain.reversed().reduce(documents[root]) { Self.merge($0, documents[$1]) }
    }

    private func report(_ code: OperatorMistake.Code, in place: Int, _ message: String, hint: String? = nil) {
        let location = Self.entry("extends", of: documents[place])?.value.location ?? documents[place].location
        mistakes.report(code, at: location, key: "extends", message, hint: hint)
    }

    private func reportUnknown(_ extends: SourceNode) {
        guard let text = Self.text(extends) else {
            mistakes.report(
                .wrongKind, at: extends.location, key: "extends", "expected a text, found \(extends.kind)",
                hint: "a profile extends one other")
            return
        }
        let nearest = Spelling.nearest(to: text, among: placesByName.keys.sorted())
        mistakes.report(
            .unknownProfile, at: extends.location, key: "extends", "no profile is called `\(text)`",
            hint: nearest.map { "did you mean `\($0)`?" })
    }

    private static func merge(_ base: SourceNode, _ own: SourceNode) -> SourceNode {
        guard case .mapping(let inherited, _) = base, case .mapping(let entries, let location) = own else { return own }
        return .mapping(
            merge(inherited.filter { !ownKeys.contains($0.key) }, entries) { key, base, own in
                guard addedLists.contains(key), case .sequence(let first, _) = base,
                    case .sequence(let second, let location) = own
                else { return mergeNested(base, own) }
                return .sequence(first + second, location)
            }, location)
    }

    /// Merges maps key by key; anything else is replaced.
    private static func mergeNested(_ base: SourceNode, _ own: SourceNode) -> SourceNode {
        guard case .mapping(let inherited, _) = base, case .mapping(let entries, let location) = own else { return own }
        return .mapping(merge(inherited, entries) { mergeNested($1, $2) }, location)
    }

    /// The profile's own entries first, duplicates included; then those that only the base has.
    private static func merge(
        _ base: [Entry], _ own: [Entry], _ both: (String, SourceNode, SourceNode) -> SourceNode
    ) -> [Entry] {
        var merged = own
        for entry in base {
            if let index = merged.firstIndex(where: { $0.key == entry.key }) {
                merged[index].value = both(entry.key, entry.value, merged[index].value)
            } else {
                merged.append(entry)
            }
        }
        return merged
    }

    private static func entry(_ key: String, of document: SourceNode) -> Entry? {
        guard case .mapping(let entries, _) = document else { return nil }
        return entries.first { $0.key == key }
    }

    private static func text(_ node: SourceNode) -> String? {
        guard case .scalar(let text, _, _) = node, !node.isNull else { return nil }
        return text
    }
}
