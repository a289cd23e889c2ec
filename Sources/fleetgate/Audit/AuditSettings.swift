/// How the audit log is kept. Read from the configuration's section `audit`; without the section
/// it is kept with these defaults.
struct AuditSettings: Sendable, Hashable {
    /// What happens to devices while nothing can be written down.
    enum WhenFull: String, Sendable, Hashable, CaseIterable {
        /// New connections are refused until the log can be written again.
        case refuse
        /// New connections are taken, and what could not be written is counted.
        case `continue`
    }

    /// The folder of the log's files. Made with mode 0700 when it is missing; one gateway at a time writes in it.
    var folder: String
    /// The PEM file of the ECDSA P-256 key that checkpoints are signed with. Made with mode 0600 when it is missing.
    /// Nil: `signing-key.pem` in ``folder``.
    var signingKey: String?
    var whenFull: WhenFull
    /// A file that has reached so many bytes is ended and the next one begun.
    var fileBytesMax: Int
    /// A file that was begun so many seconds ago is ended and the next one begun.
    var fileSecondsMax: Int
    /// Whole files whose last line is older than so many days are deleted. Nil: none is, for its age.
    var keepDays: Int?
    /// The oldest whole files are deleted while all of them have more than so many bytes. Nil: none is, for its size.
    var keepBytes: Int?
    /// A checkpoint is signed after so many lines.
    var checkpointLines: Int
    /// A checkpoint is signed when lines have waited so many seconds for one.
    var checkpointSeconds: Int

    init(
        folder: String, signingKey: String? = nil, whenFull: WhenFull = .refuse,
        fileBytesMax: Int = AuditLimits.fileBytes, fileSecondsMax: Int = AuditLimits.fileSeconds,
        keepDays: Int? = nil, keepBytes: Int? = nil, checkpointLines: Int = AuditLimits.checkpointLines,
        checkpointSeconds: Int = AuditLimits.checkpointSeconds
    ) {
        self.folder = folder
        self.signingKey = signingKey
        self.whenFull = whenFull
        self.fileBytesMax = fileBytesMax
        self.fileSecondsMax = fileSecondsMax
        self.keepDays = keepDays
        self.keepBytes = keepBytes
        self.checkpointLines = checkpointLines
        self.checkpointSeconds = checkpointSeconds
    }

    /// Where the signing key is.
    var signingKeyPath: String { signingKey ?? "\(folder)/\(AuditFolder.signingKeyName)" }
}

/// The audit log's bounds and defaults, each with its unit and reason.
enum AuditLimits {
    /// Bytes of a file, by default: some 100,000 lines, which an editor still opens.
    static let fileBytes = 64 << 20
    /// What may be configured for it: at least many of the longest lines; at most what one machine verifies in minutes.
    static let fileBytesRange = (1 << 20)...(4 << 30)
    /// Seconds that a file is written to, by default: a day.
    static let fileSeconds = 86_400
    /// A minute to a year.
    static let fileSecondsRange = 60...31_536_000
    /// Days that files may be kept: up to a hundred years.
    static let keepDaysRange = 1...36_500
    /// Bytes of all files together that may be kept: at least a few small files.
    static let keepBytesRange = (4 << 20)...(1 << 50)
    /// Lines between two checkpoints, by default: one signature for each thousand sessions costs nothing.
    static let checkpointLines = 1_000
    static let checkpointLinesRange = 1...1_000_000
    /// Seconds that a line waits for its checkpoint, by default: what an intruder can rewrite unseen.
    static let checkpointSeconds = 60
    static let checkpointSecondsRange = 1...86_400

    /// Entries that wait to be written, at most: some seconds of a reconnect storm, about 10 MB.
    static let queueEntries = 16_384
    /// When a full queue has emptied to this many entries, connections are taken again.
    static let queueEntriesLow = 8_192
    /// Entries written in one go, so that a stop does not wait for a whole queue's worth.
    static let batchEntries = 512
    /// Bytes of one line without its newline. The longest of ours has some 8 kB.
    static let lineBytes = 16_384
    /// Bytes of one text in a line: names of certificates are longer only with ill intent.
    static let textBytes = 1_024
    /// Refusals of verified certificates written one by one in a minute; further ones are summed up.
    static let refusalsPerMinute = 600
    /// Different reasons summed up in one minute, for each kind of sum; further ones are summed as `other`.
    static let sumsMax = 256
    /// Between two tries to write while the disk refuses.
    static let retryMilliseconds = 1_000
    /// The longest wait for an entry: what is due by the clock is late by so much at most.
    static let tickMilliseconds = 250
    /// Seconds between two calls of fsync while there are new lines: what a power failure can take.
    static let syncSeconds = 1
    /// Between two looks at what retention may delete, beside the one at each rotation: an hour.
    static let retentionMilliseconds: Int64 = 3_600_000
    /// The form of the lines.
    static let format = 1
}
