import FleetPolicy

/// All profiles in one table: those that match certificates in the order in which they are tried, then the abstract
/// ones by name.
struct ProfileListing: Encodable {
    struct Row: Encodable, Hashable {
        let name: String
        let priority: Int
        /// Exact, literal and pattern conditions; nil of an abstract profile.
        let rank: Specificity?
        let isAbstract: Bool
        /// The conditions in one line.
        let match: String
        let registration: String
        let file: String

        enum CodingKeys: String, CodingKey {
            case name, priority, rank, match, registration, file
            case isAbstract = "abstract"
        }
    }

    let profiles: [Row]

    init(_ set: ProfileSet, _ documents: [SourceNode]) {
        let order = Self.order(of: set)
        let ranks = Dictionary(order.map { ($0.profile, $0.rank) }) { first, _ in first }
        let places = Dictionary(order.enumerated().map { ($0.element.profile, $0.offset) }) { first, _ in first }
        profiles = ProfileOutline.all(documents).map { outline in
            let isAbstract = outline.merged.text(at: "abstract") == "true"
            return Row(
                name: outline.name, priority: outline.text("priority").flatMap { Int($0) } ?? 0,
                rank: ranks[outline.name]?.specificity, isAbstract: isAbstract,
                match: isAbstract ? "" : MatchText.line(outline.merged.value(at: "match")),
                registration: Self.registration(outline.merged.value(at: "registration")), file: outline.file)
        }.sorted { left, right in
            (left.isAbstract ? 1 : 0, places[left.name] ?? Int.max, left.name)
                < (right.isAbstract ? 1 : 0, places[right.name] ?? Int.max, right.name)
        }
    }

    /// The profiles in the order in which they are tried: what an explanation says of any certificate at all.
    private static func order(of set: ProfileSet) -> [DecisionExplanation.Trial] {
        let nobody = CertificateAttributes(
            subject: DistinguishedName([]), issuer: DistinguishedName([]), subjectAlternativeNames: [],
            serialNumber: [], sha256Fingerprint: [], notBefore: 0, notAfter: 0)
        let anchor = ConnectionCircumstances.TrustAnchor(subject: DistinguishedName([]), sha256Fingerprint: [])
        return PolicySnapshot(profiles: set).explain(nobody, ConnectionCircumstances(now: 0, trustAnchor: anchor))
            .trials
    }

    private static func registration(_ node: SourceNode?) -> String {
        switch node {
        case nil, .sequence: "open"
        case .scalar(let mode, _, _): mode
        case .mapping:
            (node?.text(at: "mode") ?? "open")
                + (node?.text(at: "quota").map { ", quota \($0)" } ?? "")
                + (node?.text(at: "approval") == "true" ? ", approval" : "")
        }
    }

    /// A table for people.
    var text: String {
        var rows = [["PROFILE", "PRIORITY", "RANK", "REGISTRATION", "MATCH", "FILE"]]
        for row in profiles {
            rows.append([
                row.name, "\(row.priority)", row.rank.map { "\($0.exact).\($0.literals).\($0.patterns)" } ?? "abstract",
                row.registration, row.match, row.file,
            ])
        }
        return AlignedColumns.text(rows)
    }
}

/// A `match` in one line.
enum MatchText {
    static func line(_ match: SourceNode?) -> String {
        guard case .mapping(let entries, _) = match else { return "" }
        return entries.map { "\($0.key) \(value($0.value))" }.joined(separator: ", ")
    }

    private static func value(_ node: SourceNode) -> String {
        switch node {
        case .scalar(let text, _, _): text
        case .sequence(let items, _): items.map(value).joined(separator: "|")
        case .mapping(let entries, _):
            entries.map { "\($0.key)=\(value($0.value))" }.joined(separator: " ")
        }
    }
}
