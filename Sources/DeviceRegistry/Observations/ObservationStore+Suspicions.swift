internal import FleetPolicy
internal import GRDB

extension ObservationStore {
    /// Every certificate that is suspected, the latest sign first.
    ///
    /// - Throws: `store-busy`, `store-failed`.
    public func suspicions() async throws(RegistryError) -> [CloneSuspicion] {
        try await reading { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT suspicion.*, coalesce(device, '') AS device, coalesce(subject, '') AS subject
                    FROM suspicion LEFT JOIN certificate USING (fingerprint)
                    ORDER BY suspicion.last DESC, fingerprint LIMIT \(CloneSuspicion.countMax)
                    """
            ).compactMap { row in
                // A kind that this version does not know is one that it cannot say anything about.
                guard let kind = CloneSign.Kind(rawValue: row["kind"]) else { return nil }
                return CloneSuspicion(
                    fingerprint: row["fingerprint"], kind: kind, first: row["first"], last: row["last"],
                    count: row["count"], networks: Self.names(row["networks"]), device: row["device"],
                    subject: row["subject"])
            }
        }
    }

    /// Keeps a sign.
    ///
    /// - Returns: False when there are as many suspicions as can be, and this would be one more.
    /// - Throws: `store-busy`, `store-failed`.
    public func suspect(_ sign: CloneSign) async throws(RegistryError) -> Bool {
        try await writing { database in
            try database.execute(
                sql: """
                    INSERT INTO suspicion
                    SELECT :fingerprint, :kind, :at, :at, 1, :networks
                    WHERE (SELECT count(*) FROM suspicion) < \(CloneSuspicion.countMax)
                        OR EXISTS (SELECT 1 FROM suspicion WHERE fingerprint = :fingerprint)
                    ON CONFLICT (fingerprint) DO UPDATE SET
                        kind = excluded.kind, last = max(last, excluded.last), count = count + 1,
                        networks = excluded.networks
                    """,
                arguments: [
                    "fingerprint": HexadecimalText.text(sign.fingerprint), "kind": sign.kind.rawValue, "at": sign.at,
                    "networks": sign.networks.map(\.description).joined(separator: "\n"),
                ])
            return database.changesCount > 0
        }
    }

    /// Ends the suspicion of one certificate.
    ///
    /// - Parameter fingerprint: In lower-case hexadecimal.
    /// - Returns: Whether there was one.
    /// - Throws: `store-busy`, `store-failed`.
    public func clearSuspicion(of fingerprint: String) async throws(RegistryError) -> Bool {
        try await writing { database in
            try database.execute(sql: "DELETE FROM suspicion WHERE fingerprint = ?", arguments: [fingerprint])
            return database.changesCount > 0
        }
    }

    /// Ends suspicions whose latest sign is before a time, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// - Returns: The fingerprints, in lower-case hexadecimal.
    /// - Throws: `store-busy`, `store-failed`.
    public func clearSuspicions(before time: Int64) async throws(RegistryError) -> [String] {
        try await writing { database in
            try String.fetchAll(
                database, sql: "DELETE FROM suspicion WHERE last < ? RETURNING fingerprint", arguments: [time])
        }
    }
}
