internal import Foundation
internal import GRDB
internal import Synchronization

extension ObservationStore {
    /// Rows of one transaction, and how long others have the processor before the next one: after a storm there are
    /// thousands, and devices are served on the same cores.
    private static let rowsPerTransaction = 64
    private static let pause = Duration.milliseconds(10)

    /// Writes what waits, some rows at a time. Whatever was observed before the call is written when it returns, also by a
    /// flush that was under way. What cannot be written is given up and counted: to keep it would only fill the memory.
    ///
    /// - Parameters:
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    ///   - isPaced: Leaves the processor to others between two transactions, until somebody calls who is not: nobody waits
    ///     for it.
    /// - Throws: `store-busy`, `store-failed`; what was not written by then is given up too.
    public func flush(at now: Int64, isPaced: Bool = false) async throws(RegistryError) {
        if !isPaced { hurriedFlushes.add(1, ordering: .relaxed) }
        defer { if !isPaced { hurriedFlushes.subtract(1, ordering: .relaxed) } }
        let flush = lastFlush.withLock { last in
            let before = last
            // Not within the caller's task, whose end must not lose what was taken from the buffer.
            let own = Task { () -> Result<Void, RegistryError> in
                _ = await before?.value
                return await self.writePieces(at: now)
            }
            last = own
            return own
        }
        try await flush.value.get()
    }

    private func writePieces(at now: Int64) async -> Result<Void, RegistryError> {
        let pieces = buffer.takeAll().rows(ofAtMost: Self.rowsPerTransaction)
        for (index, rows) in pieces.enumerated() {
            if index > 0, hurriedFlushes.load(ordering: .relaxed) == 0 { try? await Task.sleep(for: Self.pause) }
            do {
                try await write(rows, at: now)
            } catch {
                buffer.count { $0.dropped += pieces[index...].reduce(0) { $0 + $1.count } }
                return .failure(error)
            }
        }
        return .success(())
    }

    private func write(_ rows: ObservationBuffer.Rows, at now: Int64) async throws(RegistryError) {
        let written = try await writing { database in
            for certificate in rows.certificates { try Self.write(certificate, database) }
            var counts = ObservationCounts()
            for failure in rows.failures { try self.write(failure, at: now, &counts, database) }
            return counts
        }
        let handshakes = rows.certificates.reduce(0) { $0 + Int(clamping: $1.count) }
        buffer.count { counts in
            counts.handshakes += handshakes
            counts.journalRows += written.journalRows
            counts.journalRepeated += written.journalRepeated
            counts.journalSuppressed += written.journalSuppressed
        }
    }

    /// Removes what is too old or too much.
    ///
    /// - Parameter now: Seconds since 1970-01-01T00:00:00Z.
    /// - Returns: Rows removed from journal and inventory.
    /// - Throws: `store-busy`, `store-failed`.
    public func prune(at now: Int64) async throws(RegistryError) -> Int {
        let limits = limits
        return try await writing { database in
            var removed = 0
            try database.execute(
                sql: "DELETE FROM failure WHERE last < ?", arguments: [now - Int64(limits.journalDays) * 86_400])
            removed += database.changesCount
            removed += try Self.removeSurplus(
                of: "failure", max: limits.journalRowsMax, key: "id", order: "last, id", database)
            let oldest = now - Int64(limits.certificateDays) * 86_400
            try database.execute(
                sql: "DELETE FROM certificate WHERE not_after < ? AND last_seen < ?", arguments: [oldest, oldest])
            removed += database.changesCount
            removed += try Self.removeSurplus(
                of: "certificate", max: limits.certificatesMax, key: "fingerprint",
                order: "not_after >= \(now), last_seen, fingerprint", database)
            return removed
        }
    }

    private static func removeSurplus(
        of table: String, max: Int, key: String, order: String, _ database: Database
    ) throws -> Int {
        let surplus = (try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0) - max
        guard surplus > 0 else { return 0 }
        try database.execute(
            sql: "DELETE FROM \(table) WHERE \(key) IN (SELECT \(key) FROM \(table) ORDER BY \(order) LIMIT ?)",
            arguments: [surplus])
        return database.changesCount
    }

    // MARK: Inventory

    /// A row that knows the certificate itself keeps what it says about it; one that does not learns it.
    private static func write(_ certificate: ObservedCertificate, _ database: Database) throws {
        guard certificate.fingerprint.utf8.count == 64 else { return }
        try database.cachedStatement(
            sql: """
                INSERT INTO certificate VALUES (
                    :fingerprint, :subject, :names, :issuer, :issuerID, :serial, :notBefore, :notAfter, :algorithm,
                    :bits, :keyHash, :signature, :first, :last, :count, :address, :device, :profile, :anchor, :der)
                ON CONFLICT (fingerprint) DO UPDATE SET
                    count = count + excluded.count,
                    last_seen = max(last_seen, excluded.last_seen),
                    last_address = excluded.last_address,
                    device = excluded.device,
                    profile = excluded.profile,
                    anchor = CASE WHEN excluded.anchor = '' THEN anchor ELSE excluded.anchor END,
                    issuer_id = coalesce(excluded.issuer_id, issuer_id),
                    signature_algorithm =
                        CASE WHEN signature_algorithm = '' THEN excluded.signature_algorithm
                        ELSE signature_algorithm END,
                    key_hash = CASE WHEN key_hash = '' THEN excluded.key_hash ELSE key_hash END,
                    der = CASE WHEN length(der) = 0 THEN excluded.der ELSE der END
                """
        ).execute(arguments: [
            "fingerprint": certificate.fingerprint, "subject": certificate.subject,
            "names": certificate.alternativeNames.joined(separator: "\n"), "issuer": certificate.issuer,
            "issuerID": certificate.issuerID, "serial": certificate.serialNumber,
            "notBefore": certificate.notBefore, "notAfter": certificate.notAfter,
            "algorithm": certificate.keyAlgorithm, "bits": certificate.keyBits, "keyHash": certificate.keyHash,
            "signature": certificate.signatureAlgorithm, "first": certificate.firstSeen,
            "last": certificate.lastSeen, "count": certificate.count, "address": certificate.lastAddress,
            "device": certificate.device, "profile": certificate.profile, "anchor": certificate.anchor,
            "der": Data(certificate.der),
        ])
    }

    // MARK: Journal

    private func write(
        _ failure: JournalRecord, at now: Int64, _ counts: inout ObservationCounts, _ database: Database
    ) throws {
        if try extend(failure, database) {
            counts.journalRepeated += Int(clamping: failure.count)
        } else if rowLimit.withLock({ $0.take(address: failure.address, at: now) }) {
            try Self.insert(try Self.completed(failure, database), database)
            counts.journalRows += 1
            counts.journalRepeated += Int(clamping: failure.count - 1)
        } else {
            counts.journalSuppressed += Int(clamping: failure.count)
            var sum = JournalRecord(
                at: failure.first, count: failure.count, address: "", listener: "",
                reason: JournalRecord.suppressedReason,
                detail: "failed connections beyond the limits per minute, of one address or of all",
                hint: "fleetgate_connections_refused_total and fleetgate_handshakes_total count all of them")
            sum.last = failure.last
            if try !extend(sum, database) { try Self.insert(sum, database) }
        }
    }

    /// Counts a failure in the row that is there for it. False: there is none that is young enough.
    private func extend(_ failure: JournalRecord, _ database: Database) throws -> Bool {
        let key = ObservationBuffer.FailureKey(failure)
        try database.cachedStatement(
            sql: """
                UPDATE failure SET count = count + :count, last = max(last, :last), detail = :detail, hint = :hint
                WHERE id = (
                    SELECT max(id) FROM failure
                    WHERE address = :address AND reason = :reason AND fingerprint = :fingerprint
                        AND listener = :listener)
                AND first >= :oldest
                """
        ).execute(arguments: [
            "count": failure.count, "last": failure.last, "detail": failure.detail, "hint": failure.hint,
            "address": key.address, "reason": key.reason, "fingerprint": key.fingerprint, "listener": key.listener,
            "oldest": failure.last - limits.sameFailureSeconds,
        ])
        return database.changesCount > 0
    }

    /// With what the inventory knows of a certificate of which only the fingerprint is known.
    private static func completed(_ failure: JournalRecord, _ database: Database) throws -> JournalRecord {
        guard let certificate = failure.certificate, certificate.notAfter == nil,
            let known = try Row.fetchOne(
                database, sql: "SELECT * FROM certificate WHERE fingerprint = ?", arguments: [certificate.fingerprint])
        else { return failure }
        var failure = failure
        failure.certificate = JournalRecord.Certificate(
            fingerprint: certificate.fingerprint, subject: known["subject"],
            alternativeNames: names(known["alternative_names"]), issuer: known["issuer"],
            serialNumber: known["serial_number"], notBefore: known["not_before"], notAfter: known["not_after"])
        return failure
    }

    private static func insert(_ failure: JournalRecord, _ database: Database) throws {
        let offer = try failure.offer.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        try database.cachedStatement(
            sql: """
                INSERT INTO failure VALUES (
                    NULL, :first, :last, :count, :address, :listener, :reason, :detail, :hint, :alert, :device,
                    :fingerprint, :subject, :names, :issuer, :serial, :notBefore, :notAfter, :offer)
                """
        ).execute(arguments: [
            "first": failure.first, "last": failure.last, "count": failure.count, "address": failure.address,
            "listener": failure.listener, "reason": failure.reason, "detail": failure.detail, "hint": failure.hint,
            "alert": failure.alert, "device": failure.device,
            "fingerprint": failure.certificate?.fingerprint ?? "", "subject": failure.certificate?.subject ?? "",
            "names": failure.certificate?.alternativeNames.joined(separator: "\n") ?? "",
            "issuer": failure.certificate?.issuer ?? "", "serial": failure.certificate?.serialNumber ?? "",
            "notBefore": failure.certificate?.notBefore, "notAfter": failure.certificate?.notAfter, "offer": offer,
        ])
    }
}
