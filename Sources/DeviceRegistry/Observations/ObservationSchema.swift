internal import GRDB

/// The tables of what was observed. Versions are only ever added; a released one stays as it is.
enum ObservationSchema {
    /// In the header of the file: "FGOB".
    static let applicationID = 0x4647_4F42

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in try database.execute(sql: version1) }
        return migrator
    }

    /// Names that belong together are one column, with a line break between two. The index by `not_after` is the order
    /// of every listing, and what the counts of those that expire are read from.
    private static let version1 = """
        PRAGMA application_id = \(applicationID);

        CREATE TABLE certificate (
            fingerprint TEXT PRIMARY KEY CHECK (length(fingerprint) = 64),
            subject TEXT NOT NULL,
            alternative_names TEXT NOT NULL,
            issuer TEXT NOT NULL,
            issuer_id TEXT,
            serial_number TEXT NOT NULL,
            not_before INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            key_algorithm TEXT NOT NULL,
            key_bits INTEGER NOT NULL,
            key_hash TEXT NOT NULL,
            signature_algorithm TEXT NOT NULL,
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL,
            count INTEGER NOT NULL,
            last_address TEXT NOT NULL,
            device TEXT NOT NULL,
            profile TEXT NOT NULL,
            anchor TEXT NOT NULL,
            der BLOB NOT NULL CHECK (length(der) <= 16384)
        ) STRICT;
        CREATE INDEX certificate_by_expiry ON certificate (not_after, fingerprint);
        CREATE INDEX certificate_by_key ON certificate (key_hash, device) WHERE key_hash <> '';
        CREATE INDEX certificate_by_device ON certificate (device, not_after) WHERE device <> '';
        CREATE INDEX certificate_by_last_seen ON certificate (last_seen);

        CREATE TABLE failure (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            count INTEGER NOT NULL,
            address TEXT NOT NULL,
            listener TEXT NOT NULL,
            reason TEXT NOT NULL,
            detail TEXT NOT NULL,
            hint TEXT NOT NULL,
            alert TEXT NOT NULL,
            device TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            subject TEXT NOT NULL,
            alternative_names TEXT NOT NULL,
            issuer TEXT NOT NULL,
            serial_number TEXT NOT NULL,
            not_before INTEGER,
            not_after INTEGER,
            offer TEXT
        ) STRICT;
        CREATE INDEX failure_by_cause ON failure (address, reason, fingerprint, listener, id);
        CREATE INDEX failure_by_last ON failure (last);

        CREATE TABLE suspicion (
            fingerprint TEXT PRIMARY KEY CHECK (length(fingerprint) = 64),
            kind TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            count INTEGER NOT NULL,
            networks TEXT NOT NULL
        ) STRICT;
        """
}
