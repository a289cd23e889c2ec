/// All profiles of a fleet, compiled: an immutable value, safe to use from any thread, replaced as a whole.
public struct ProfileSet: Sendable {
    /// Tells this set from the ones before and after it; given by whoever loads the profiles, who counts up.
    public let revision: UInt64
    /// Highest rank first; profiles of one rank in the order of their names.
    let profiles: [CompiledProfile]
    private let index: ProfileIndex
    let table: MatchTable
    private let placesByName: [String: Int]
    let readsServerName: Bool
    /// The brokers that profiles name, each as often as it is named.
    public let upstreamNames: [Located<String>]
    /// The listeners that profiles name, each as often as it is named.
    public let listenerNames: [Located<String>]

    init(
        revision: UInt64, profiles: [CompiledProfile], upstreamNames: [Located<String>] = [],
        listenerNames: [Located<String>] = []
    ) {
        self.revision = revision
        self.profiles = profiles.sorted { ($1.rank, $0.name) < ($0.rank, $1.name) }
        index = ProfileIndex(self.profiles.map(\.matcher))
        table = MatchTable(self.profiles.map(\.matcher))
        placesByName = Dictionary(
            self.profiles.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        readsServerName = profiles.contains { $0.matcher.conditions.contains { $0.field == .serverName } }
        self.upstreamNames = upstreamNames
        self.listenerNames = listenerNames
    }

    /// A set without profiles, which denies everything.
    public static let empty = ProfileSet(revision: 0, profiles: [])

    /// The names of the profiles that certificates are tried against, in the order in which they are tried.
    public var profileNames: [String] { profiles.map(\.name) }

    func profile(named name: String) -> CompiledProfile? { placesByName[name].map { profiles[$0] } }

    /// What the rules say about a certificate.
    enum Selection {
        case none
        case chosen(CompiledProfile, CapturedValues)
        case ambiguous(rank: Rank, [(profile: CompiledProfile, detail: String?)])
    }

    /// The profiles of the highest rank at which any matches decide alone. Exactly one must match there, and in exactly
    /// one way.
    func select(_ context: MatchContext) -> Selection {
        guard context.text.excess == 0 else { return .none }
        return select(context, trying: index.candidates(for: context))
    }

    /// The same without the index: what the index has to agree with.
    func selectTryingAll(_ context: MatchContext) -> Selection {
        guard context.text.excess == 0 else { return .none }
        return select(context, trying: profiles.indices.map { Int32($0) })
    }

    private func select(_ context: MatchContext, trying places: [Int32]) -> Selection {
        var chosen: (profile: CompiledProfile, captured: CapturedValues)?
        var clash: [(profile: CompiledProfile, detail: String?)] = []
        for place in places {
            let place = Int(place)
            if let rank = chosen?.profile.rank ?? clash.first?.profile.rank, profiles[place].rank < rank { break }
            var captures = MatchTable.Captures()
            switch table.match(place, context, &captures) {
            case .noMatch:
                continue
            case .matched:
                if chosen == nil, clash.isEmpty {
                    chosen = (profiles[place], table.values(of: captures, place, in: context))
                } else {
                    clash.append((profiles[place], nil))
                }
            case .ambiguous(let detail):
                clash.append((profiles[place], detail))
            }
        }
        guard let chosen else {
            guard let rank = clash.first?.profile.rank else { return .none }
            return .ambiguous(rank: rank, clash)
        }
        guard !clash.isEmpty else { return .chosen(chosen.profile, chosen.captured) }
        return .ambiguous(rank: chosen.profile.rank, [(chosen.profile, nil)] + clash)
    }
}
