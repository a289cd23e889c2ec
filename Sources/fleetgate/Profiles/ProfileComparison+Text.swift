extension ProfileComparison {
    /// The summary and a table of what changes, for people.
    ///
    /// - Parameter rowsMax: Certificates in the table.
    func text(rowsMax: Int) -> String {
        let unread = unreadable.prefix(rowsMax).map {
            "unreadable: \(LogText.visible($0.origin)): \(LogText.visible($0.why))"
        }
        guard !isEqual else {
            return (["nothing changes for \(summary.certificates) certificates"] + unread).joined(separator: "\n")
        }
        var rows: [[String]] = []
        for change in changes.prefix(rowsMax) {
            rows.append([change.oldDevice ?? change.newDevice ?? change.subject, change.headline, change.origin])
            rows += change.details.map { ["", $0] }
        }
        var parts = [AlignedColumns.text(rows)]
        if changes.count > rowsMax {
            parts.append("and \(changes.count - rowsMax) more (--rows shows more, --json all)")
        }
        parts.append(contentsOf: unread)
        parts.append("")
        parts.append(AlignedColumns.text(summary.rows.filter { $0[0] != "0" || $0[1] == "certificates" }))
        return parts.joined(separator: "\n")
    }
}

extension ProfileComparison.Summary {
    fileprivate var rows: [[String]] {
        [
            ["\(certificates)", "certificates"], ["\(unreadable)", "unreadable"], ["\(unchanged)", "unchanged"],
            ["\(gainedAccess)", "gain access"], ["\(lostAccess)", "lose access"],
            ["\(changedProfile)", "change profile"], ["\(changedDevice)", "become another device"],
            ["\(gainedTopics)", "gain topics"], ["\(lostTopics)", "lose topics"],
            ["\(changedLimits)", "have other limits"],
            ["\(refusedDifferently)", "are refused for another reason"],
        ]
    }
}

extension CertificateChange {
    /// The change in a few words.
    fileprivate var headline: String {
        switch access {
        case .gained: "gains access: \(oldCode ?? "") -> \(newProfile ?? "")"
        case .lost: "loses access: \(oldProfile ?? "") -> \(newCode ?? "")"
        case .refused: "refused: \(oldCode ?? "") -> \(newCode ?? "")"
        case .kept: oldProfile == newProfile ? oldProfile ?? "" : "\(oldProfile ?? "") -> \(newProfile ?? "")"
        }
    }

    fileprivate var details: [String] {
        var lines: [String] = []
        if access == .kept, oldDevice != newDevice { lines.append("becomes \(newDevice ?? "")") }
        lines += topicsGained.map { "+ \($0)" } + topicsLost.map { "- \($0)" }
        lines += limits.map { "\($0.key): \($0.old) -> \($0.new)" }
        return lines
    }
}
