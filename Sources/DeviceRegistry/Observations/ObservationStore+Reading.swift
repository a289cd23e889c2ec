internal import Foundation
internal import GRDB

/// The conditions of a query and their values, joined by AND.
private struct Conditions {
    private var parts: [String] = []
    private(set) var arguments = StatementArguments()

    var sql: String { parts.isEmpty ? "" : "WHERE " + parts.joined(separator: " AND ") }

    mutating func add(_ part: String, _ values: [any DatabaseValueConvertible] = []) {
        parts.append("(\(part))")
        arguments += StatementArguments(values)
    }

    /// Only when there is a value.
    mutating func add(_ part: String, _ value: (any DatabaseValueConvertible)?) {
        guard let value else { return }
        add(part, [value])
    }

    /// Text that one of the columns contains, in either case.
    mutating func contains(_ text: String?, in columns: [String]) {
        guard let text, !text.isEmpty else { return }
        let pattern = "%" + Self.escaped(text) + "%"
        add(
            columns.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR "),
            Array(repeating: pattern, count: columns.count))
    }

    mutating func begins(_ text: String?, in column: String) {
        guard let text, !text.isEmpty else { return }
        add("\(column) LIKE ? ESCAPE '\\'", Self.escaped(text) + "%")
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if "%_\\".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }
}

extension ObservationStore {
    /// Rows of the journal.
    ///
    /// - Throws: `store-busy`, `store-failed`.
    public func journal(_ query: JournalQuery) async throws(RegistryError) -> [JournalRecord] {
        var conditions = Conditions()
        conditions.contains(query.device, in: ["device", "subject", "alternative_names"])
        conditions.contains(query.subject, in: ["subject"])
        conditions.add("serial_number = ?", query.serialNumber.map(SerialNumberText.normal))
        conditions.begins(query.address, in: "address")
        conditions.add("reason = ?", query.reason)
        conditions.add("last >= ?", query.since)
        conditions.add("id < ?", query.before)
        conditions.add("id > ?", query.after)
        let (sql, arguments) = (conditions.sql, conditions.arguments)
        let order = query.after == nil ? "id DESC" : "id"
        let limit = min(max(query.limit, 1), JournalQuery.limitMax)
        return try await reading { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM failure \(sql) ORDER BY \(order) LIMIT \(limit)", arguments: arguments
            ).map(Self.journalRecord)
        }
    }

    /// Certificates of the inventory.
    ///
    /// - Throws: `store-busy`, `store-failed`.
    public func certificates(_ query: CertificateQuery) async throws(RegistryError) -> [ObservedCertificate] {
        var conditions = Conditions()
        conditions.begins(query.fingerprint, in: "fingerprint")
        conditions.contains(query.device, in: ["device"])
        conditions.contains(query.subject, in: ["subject", "alternative_names"])
        conditions.contains(query.issuer, in: ["issuer"])
        conditions.add("serial_number = ?", query.serialNumber.map(SerialNumberText.normal))
        conditions.add("profile = ?", query.profile)
        conditions.add("not_after <= ?", query.expiringUntil)
        conditions.add("not_after > ?", query.expiringAfter)
        conditions.add("last_seen >= ?", query.seenSince)
        conditions.add("last_seen < ?", query.notSeenSince)
        if query.notRenewed { conditions.add("NOT \(Self.isRenewed)") }
        if let weakness = query.weakness {
            conditions.add(
                """
                key_algorithm = 'RSA' AND key_bits < ?
                OR key_algorithm NOT IN ('RSA', 'P-256', 'P-384', 'P-521', 'Ed25519')
                OR signature_algorithm LIKE '%SHA1%' OR signature_algorithm LIKE '%MD5%'
                OR not_after - not_before > ?
                """, [weakness.rsaBitsMin, Int64(weakness.validityDaysMax) * 86_400])
        }
        if let after = query.after {
            conditions.add("(not_after, fingerprint) > (?, ?)", [after.notAfter, after.fingerprint])
        }
        let (sql, arguments) = (conditions.sql, conditions.arguments)
        let limit = min(max(query.limit, 1), CertificateQuery.limitMax)
        let includesDER = query.includesDER
        return try await reading { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT *, \(Self.isRenewed) AS is_renewed FROM certificate
                    \(sql) ORDER BY not_after, fingerprint LIMIT \(limit)
                    """, arguments: arguments
            ).map { Self.certificate($0, includesDER: includesDER) }
        }
    }

    /// Certificates of which there should be one, at most ``CertificateDuplicates/groupsMax`` of each kind.
    ///
    /// - Parameter now: Seconds since 1970-01-01T00:00:00Z: what expired before counts only where a key is shared.
    /// - Throws: `store-busy`, `store-failed`.
    public func duplicates(at now: Int64) async throws(RegistryError) -> [CertificateDuplicates] {
        try await reading { database in
            let groups: [(kind: CertificateDuplicates.Kind, column: String, sql: String)] = [
                (
                    .sharedKey, "key_hash",
                    """
                    SELECT key_hash, count(*) FROM certificate WHERE key_hash <> ''
                    GROUP BY key_hash HAVING count(DISTINCT device) > 1
                    """
                ),
                (
                    .reusedKey, "key_hash",
                    """
                    SELECT key_hash, count(*) FROM certificate WHERE key_hash <> ''
                    GROUP BY key_hash HAVING count(*) > 1 AND count(DISTINCT device) = 1
                    """
                ),
                (
                    .severalValid, "device",
                    """
                    SELECT device, count(*) FROM certificate WHERE device <> '' AND not_after >= \(now)
                    GROUP BY device HAVING count(*) > 1
                    """
                ),
            ]
            return try groups.flatMap { group in
                try Row.fetchAll(
                    database, sql: "\(group.sql) ORDER BY 2 DESC, 1 LIMIT \(CertificateDuplicates.groupsMax)"
                ).map { row in
                    let common: String = row[0]
                    let isValid = group.kind == .severalValid ? "AND not_after >= \(now)" : ""
                    let certificates = try Row.fetchAll(
                        database,
                        sql: """
                            SELECT *, \(Self.isRenewed) AS is_renewed FROM certificate
                            WHERE \(group.column) = ? \(isValid)
                            ORDER BY last_seen DESC LIMIT \(CertificateDuplicates.certificatesMax)
                            """, arguments: [common])
                    return CertificateDuplicates(
                        kind: group.kind, common: common,
                        certificates: certificates.map { Self.certificate($0, includesDER: false) }, count: row[1])
                }
            }
        }
    }

    /// How many certificates expire when.
    ///
    /// - Parameters:
    ///   - days: Ascending.
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    /// - Throws: `store-busy`, `store-failed`.
    public func expiryCounts(days: [Int], at now: Int64) async throws(RegistryError) -> ExpiryCounts {
        try await reading { database in
            var counts = ExpiryCounts()
            var before = 0
            func upTo(_ time: Int64) throws -> Int {
                let all =
                    try Int.fetchOne(
                        database, sql: "SELECT count(*) FROM certificate WHERE not_after <= ?", arguments: [time]) ?? 0
                defer { before = all }
                return all - before
            }
            // Valid up to and including notAfter (RFC 5280, section 4.1.2.5).
            counts.expired = try upTo(now - 1)
            for day in days { counts.within.append(try upTo(now + Int64(day) * 86_400)) }
            counts.later = try upTo(.max)
            return counts
        }
    }

    /// How many rows the journal has.
    ///
    /// - Throws: `store-busy`, `store-failed`.
    public func journalCount() async throws(RegistryError) -> Int {
        try await reading { try Int.fetchOne($0, sql: "SELECT count(*) FROM failure") ?? 0 }
    }

    // MARK: Rows

    private static let isRenewed = """
        (device <> '' AND EXISTS (
            SELECT 1 FROM certificate AS later
            WHERE later.device = certificate.device AND later.device <> '' AND later.not_after > certificate.not_after))
        """

    static func names(_ column: String) -> [String] {
        column.split(separator: "\n").map(String.init)
    }

    private static func certificate(_ row: Row, includesDER: Bool) -> ObservedCertificate {
        var certificate = ObservedCertificate(
            fingerprint: row["fingerprint"], subject: row["subject"],
            alternativeNames: names(row["alternative_names"]), issuer: row["issuer"], issuerID: row["issuer_id"],
            serialNumber: row["serial_number"], notBefore: row["not_before"], notAfter: row["not_after"],
            keyAlgorithm: row["key_algorithm"], keyBits: row["key_bits"], keyHash: row["key_hash"],
            signatureAlgorithm: row["signature_algorithm"], seenAt: row["first_seen"], address: row["last_address"],
            device: row["device"], profile: row["profile"], anchor: row["anchor"],
            der: includesDER ? Array(row["der"] as Data) : [])
        certificate.lastSeen = row["last_seen"]
        certificate.count = row["count"]
        certificate.isRenewed = row["is_renewed"]
        return certificate
    }

    private static func journalRecord(_ row: Row) -> JournalRecord {
        let fingerprint: String = row["fingerprint"]
        var record = JournalRecord(
            at: row["first"], count: row["count"], address: row["address"], listener: row["listener"],
            reason: row["reason"], detail: row["detail"], hint: row["hint"], alert: row["alert"],
            device: row["device"],
            certificate: fingerprint.isEmpty
                ? nil
                : JournalRecord.Certificate(
                    fingerprint: fingerprint, subject: row["subject"],
                    alternativeNames: names(row["alternative_names"]), issuer: row["issuer"],
                    serialNumber: row["serial_number"], notBefore: row["not_before"], notAfter: row["not_after"]),
            offer: (row["offer"] as String?).flatMap {
                try? JSONDecoder().decode(JournalRecord.Offer.self, from: Data($0.utf8))
            })
        record.id = row["id"]
        record.last = row["last"]
        return record
    }
}
