import Foundation

/// One file after the other, and the end of the oldest.
extension AuditWriter {
    func isFileFull(_ now: Int64) -> Bool {
        wholeBytes >= settings.fileBytesMax
            || wholeBytes > 0 && now - begunAt >= Int64(settings.fileSecondsMax) * 1_000
    }

    /// Ends the file with a checkpoint and begins the next one, whose first line follows with the next lines.
    func rotate(_ now: Int64) throws(AuditError) {
        let next = number + 1
        // First of all: when this file says that it goes on, the next one is there.
        let file = try storage.open(folder.path(next))
        guard try file.size() == 0 else {
            throw AuditError(.damaged, "\(folder.path(next)) is in the way of the audit log's next file")
        }
        storage.synchronizeFolder(folder.path)
        try put([AuditEntry(.rotated, at: now, [.text(.next, AuditFolder.name(next))])], now: now)
        try checkpoint(.rotation, now: now)
        output = file
        number = next
        wholeBytes = 0
        begunAt = now
        try retain(now)
    }

    /// Deletes the oldest files as far as the settings say so. Before that lines say which: the log begins behind them,
    /// and nobody has to wonder why.
    func retain(_ now: Int64) throws(AuditError) {
        try removeOldest(now)
        retainedAt = now
    }

    private func removeOldest(_ now: Int64) throws(AuditError) {
        guard settings.keepDays != nil || settings.keepBytes != nil else { return }
        let numbers = try folder.numbers().filter { $0 < number }
        let removed = numbers.prefix(expiredCount(numbers, now))
        guard !removed.isEmpty else { return }
        // A line for each: wherever a crash ends the deleting, one of them says how the log begins.
        var notes: [AuditEntry] = []
        for number in removed {
            guard let end = try AuditTail.read(folder.path(number)).last else { continue }
            notes.append(
                AuditEntry(
                    .retention, at: now,
                    [
                        .text(.file, AuditFolder.name(number)), .number(.through, end.line.sequence),
                        .hexadecimal(.hash, end.hash),
                    ]))
        }
        try put(notes, now: now)
        // Signed before the files are gone: nobody can say afterwards that it was retention.
        try checkpoint(.retention, now: now)
        for number in removed { try storage.remove(folder.path(number)) }
        storage.synchronizeFolder(folder.path)
    }

    /// How many of the oldest files are to go.
    private func expiredCount(_ numbers: [Int], _ now: Int64) -> Int {
        var count = 0
        if let days = settings.keepDays {
            let oldest = UTCTime.text(now - Int64(days) * 86_400_000)
            // A file ended when the next one began.
            count =
                numbers.prefix { number in
                    guard number + 1 < self.number else { return UTCTime.text(begunAt) < oldest }
                    return AuditFileReader.firstLine(folder.path(number + 1)).map { $0.time < oldest } ?? false
                }.count
        }
        if let bytes = settings.keepBytes {
            let sizes = numbers.map { AuditSearch.size(folder.path($0)) }
            var total = sizes.reduce(wholeBytes, +)
            for (index, size) in sizes.enumerated() where total > bytes {
                total -= size
                count = max(count, index + 1)
            }
        }
        return count
    }
}
