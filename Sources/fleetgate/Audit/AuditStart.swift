import Foundation

/// Where a log is gone on with, and what has to be said about its end.
struct AuditStart {
    let chain: AuditChain
    let number: Int
    let output: any AuditOutput
    let wholeBytes: Int
    /// When the file was begun, in milliseconds since 1970.
    let begunAt: Int64
    let linesUnsigned: Int
    let findings: [AuditEntry]

    /// Reads the end of the log and cuts off what stands behind its last whole line.
    ///
    /// - Throws: ``AuditError``.
    static func read(
        _ folder: AuditFolder, key: AuditSigningKey, storage: any AuditStorage, now: Int64
    ) throws(AuditError) -> AuditStart {
        let numbers = try folder.numbers()
        let number = numbers.last ?? 1
        var findings: [AuditEntry] = []
        let output = try storage.open(folder.path(number))
        let tail = try AuditTail.read(folder.path(number))
        if !tail.rest.isEmpty {
            try output.truncate(to: tail.wholeBytes)
            try output.synchronize()
            findings.append(
                AuditEntry(
                    .recovered, at: now,
                    [
                        .text(.file, AuditFolder.name(number)), .number(.bytes, tail.rest.count),
                        .hexadecimal(.sha256, AuditChain.hash(tail.rest)),
                    ]))
        }
        var end = tail.last
        if end == nil { end = try endOfFileBefore(number, numbers, folder) }
        let chain = end.map { AuditChain(sequence: $0.line.sequence, head: $0.hash) } ?? AuditChain()
        let signed = folder.lastCheckpoint()
        if let signed, signed.line.sequence > chain.sequence {
            findings.append(
                AuditEntry(
                    .truncationFound, at: now,
                    [.number(.through, signed.line.sequence), .hexadecimal(.hash, signed.hash)]))
        }
        if let former = signed?.line.text(.key), former != key.fingerprint {
            findings.append(
                AuditEntry(.keyChanged, at: now, [.text(.from, former), .text(.to, key.fingerprint)]))
        }
        let isSigned = end == nil || end?.line.kind == AuditKind.checkpoint.rawValue
        return AuditStart(
            chain: chain, number: number, output: output, wholeBytes: tail.wholeBytes,
            begunAt: AuditFileReader.firstLine(folder.path(number)).flatMap { milliseconds($0.time) } ?? now,
            linesUnsigned: isSigned ? 0 : 1, findings: findings)
    }

    /// The end of the log where its last file has no line yet.
    private static func endOfFileBefore(
        _ number: Int, _ numbers: [Int], _ folder: AuditFolder
    ) throws(AuditError) -> (line: AuditLine, hash: [UInt8])? {
        guard let before = numbers.dropLast().last else {
            guard number == 1 else {
                throw AuditError(.damaged, "\(folder.path(number)) is empty, and the file before it is gone")
            }
            return nil
        }
        guard let end = try AuditTail.read(folder.path(before)).last, before == number - 1 else {
            throw AuditError(.damaged, "\(folder.path(before)) does not end in a line of the audit log")
        }
        return end
    }

    private static func milliseconds(_ time: String) -> Int64? {
        (try? Date(time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            .map(UTCTime.milliseconds)
    }

    /// Writes the public key beside the log. One that was there before and is another one keeps a file of its own.
    static func publish(
        _ key: AuditPublicKey, in folder: AuditFolder, _ storage: any AuditStorage
    ) throws(AuditError) {
        let old = try? BoundedFile.readText(folder.publicKeyPath, bytesMax: BoundedFile.secretBytesMax)
        guard old != key.pem else { return }
        if let old, let former = AuditPublicKey(pem: old) {
            try storage.replace(
                "\(folder.path)/public-key-\(former.fingerprint.prefix(16)).pem", with: Array(former.pem.utf8))
        }
        try storage.replace(folder.publicKeyPath, with: Array(key.pem.utf8))
    }
}
