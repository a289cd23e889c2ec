/// All profiles of a fleet, compiled: an immutable value, safe to use from any thread, replaced as a whole.
public struct ProfileSet: Sendable {
    /// Tells this set from the ones before and after it; given by whoever loads the profiles, who counts up.
    public let revision: UInt64
    /// Highest priority first; profiles of one priority in the order of their names.
    private let profiles: [CompiledProfile]

    init(revision: UInt64, profiles: [CompiledProfile]) {
        self.revision = revision
        self.profiles = profiles.sorted { ($1.priority, $0.name) < ($0.priority, $1.name) }
    }

    /// A set without profiles, which denies everything.
    public static let empty = ProfileSet(revision: 0, profiles: [])

    /// The names of the profiles, in the order in which they are tried.
    public var profileNames: [String] { profiles.map(\.name) }

    /// Decides what a verified certificate gets.
    ///
    /// The profiles of the highest priority at which any matches decide alone. Exactly one must match there, and in
    /// exactly one way; otherwise the certificate is denied as ambiguous.
    public func decide(_ certificate: CertificateAttributes) -> PolicyDecision {
        let text = CertificateText(certificate)
        var matches: [(profile: CompiledProfile, captured: CapturedValues)] = []
        var ambiguities: [(profile: CompiledProfile, detail: String)] = []
        var decisivePriority: Int?
        for profile in profiles {
            if let decisivePriority, profile.priority < decisivePriority { break }
            switch profile.matcher.match(text) {
            case .noMatch: continue
            case .matched(let captured): matches.append((profile, captured))
            case .ambiguous(let detail): ambiguities.append((profile, detail))
            }
            decisivePriority = profile.priority
        }
        if matches.count + ambiguities.count > 1 {
            let names = (matches.map(\.profile.name) + ambiguities.map(\.profile.name)).sorted()
            return .denied(
                PolicyDenial(
                    code: .ambiguous,
                    detail: "the profiles \(names.joined(separator: ", ")) match \(certificate.subject) "
                        + "at the same priority \(decisivePriority ?? 0)"))
        }
        if let ambiguity = ambiguities.first {
            return .denied(
                PolicyDenial(
                    code: .ambiguous,
                    detail: "profile \(ambiguity.profile.name), \(certificate.subject): \(ambiguity.detail)"))
        }
        guard let match = matches.first else {
            return .denied(
                PolicyDenial(
                    code: .noMatchingProfile,
                    detail: "no profile matches \(certificate.subject) issued by \(certificate.issuer)"))
        }
        return match.profile.grant(match.captured, subject: certificate.subject)
    }
}
