import FleetPolicy

/// The lists of one CA that are in force: one, or one for each part that the CA divides its certificates into. A value.
struct AuthorityLists: Sendable {
    /// Public CAs with hundreds of parts do not issue device certificates.
    static let partsMax = 64
    /// How far a CA's clock may be ahead of this one, in seconds.
    static let clockSkewMax: Int64 = 300

    /// What has become of a list that was offered.
    enum Verdict: Sendable, Hashable {
        case adopted
        /// It is the one in force.
        case unchanged
        case refused(RevocationProblem)
    }

    private(set) var parts: [SignedList.Part: SignedList] = [:]

    /// Takes a list if it is newer than the one of its part: by number (RFC 5280 section 5.2.3), then by thisUpdate. A
    /// list as new as the one in force and with other content takes its place: some CAs count in seconds, or not at all.
    ///
    /// - Parameter now: Seconds since 1970-01-01T00:00:00Z.
    mutating func offer(_ list: SignedList, now: Int64) -> Verdict {
        if let problem = problem(of: list, now: now) { return .refused(problem) }
        if parts[list.part]?.contentHash == list.contentHash { return .unchanged }
        guard parts[list.part] != nil || parts.count < Self.partsMax else {
            return .refused(
                RevocationProblem(
                    RevocationProblem.tooManyPartsReason,
                    "the CA has more than \(Self.partsMax) partitioned lists; use OCSP, or a complete list"))
        }
        parts[list.part] = list
        // A complete list has all that older parts have.
        if list.part.isWhole { parts = parts.filter { $0.key.isWhole || $0.value.thisUpdate > list.thisUpdate } }
        return .adopted
    }

    mutating func remove(_ part: SignedList.Part) { parts[part] = nil }

    private func problem(of list: SignedList, now: Int64) -> RevocationProblem? {
        guard list.thisUpdate <= now.addingReportingOverflow(Self.clockSkewMax).partialValue else {
            return RevocationProblem(
                RevocationProblem.notYetValidReason,
                "the list's thisUpdate is \(RevocationTimes.text(list.thisUpdate)), which is not yet")
        }
        if let nextUpdate = list.nextUpdate, nextUpdate <= list.thisUpdate {
            return RevocationProblem(
                RevocationProblem.badDatesReason, "the list's nextUpdate is not after its thisUpdate")
        }
        guard let held = parts[list.part] else {
            return wholeThatIsNewer(than: list).map { older($0, list) }
        }
        guard !held.number.isEmpty, !list.number.isEmpty, held.number != list.number else {
            return list.thisUpdate < held.thisUpdate ? older(held, list) : nil
        }
        guard Self.isLess(list.number, held.number) else { return nil }
        guard list.thisUpdate > held.thisUpdate else { return older(held, list) }
        return RevocationProblem(
            RevocationProblem.numberWentBackReason,
            "the list was made after the one in force and has a lower number (\(HexadecimalText.text(list.number)) after "
                + "\(HexadecimalText.text(held.number))): has the CA been restored, or are there two of it? (hint: if it "
                + "is right, remove the list in force from the source or the cache and restart)")
    }

    /// A complete list that knows all that a part of an earlier time can say.
    private func wholeThatIsNewer(than list: SignedList) -> SignedList? {
        guard !list.part.isWhole else { return nil }
        return parts.values.first { $0.part.isWhole && $0.thisUpdate > list.thisUpdate }
    }

    private func older(_ held: SignedList, _ list: SignedList) -> RevocationProblem {
        RevocationProblem(
            RevocationProblem.olderReason,
            "the list of \(RevocationTimes.text(list.thisUpdate)) is older than the one in force, of "
                + RevocationTimes.text(held.thisUpdate))
    }

    /// Big-endian numbers without leading zeros.
    private static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }

    /// Takes away a complete list that is out of date while there are parts in date: the CA has begun to divide its
    /// lists.
    ///
    /// - Returns: Whether there was one.
    mutating func dropSuperseded(now: Int64) -> Bool {
        guard parts.count > 1,
            let whole = parts.values.first(where: { $0.part.isWhole }), let end = whole.nextUpdate, end < now,
            parts.values.contains(where: { !$0.part.isWhole && ($0.nextUpdate ?? .max) >= now })
        else { return false }
        parts[whole.part] = nil
        return true
    }

    /// What chains are judged by: all parts as one list. A certificate that any part names is revoked, and the part that
    /// is out of date first counts: what is not known of some certificates is not known of the CA. Nil without a list.
    var combined: RevocationList? {
        guard let first = parts.values.first else { return nil }
        var entries = first.entries
        for part in parts.values.dropFirst() {
            part.entries.visit { serialNumber, reason, revokedAt in
                _ = entries.insert(serialNumber, reason: reason, revokedAt: revokedAt)
            }
        }
        return RevocationList(
            issuer: first.issuer, thisUpdate: parts.values.map(\.thisUpdate).min() ?? first.thisUpdate,
            nextUpdate: parts.values.compactMap(\.nextUpdate).min(), number: parts.count == 1 ? first.number : [],
            entries: entries, scope: scope)
    }

    private var scope: RevocationList.Scope {
        let all = Set(parts.keys.map(\.scope))
        return all.count == 1 ? all.first ?? .all : .all
    }
}
