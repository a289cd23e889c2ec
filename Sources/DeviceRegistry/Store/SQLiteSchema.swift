internal import GRDB

/// The tables of a registry in SQLite. Versions are only ever added; a released one stays as it is.
enum SQLiteSchema {
    /// In the header of the file, so that no other program's database is taken for a registry: "FGRG".
    static let applicationID = 0x4647_5247

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in try database.execute(sql: version1) }
        return migrator
    }

    /// Names are one column, `<tenant>/<device>`, so that their order is that of their bytes. How many devices of a
    /// profile registered themselves is kept by triggers: counting a million for each registration would take longer than
    /// registering.
    private static let version1 = """
        PRAGMA application_id = \(applicationID);

        CREATE TABLE device (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 3 AND 257 AND instr(name, '/') > 1),
            state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'retired')),
            state_reason TEXT NOT NULL,
            profile TEXT NOT NULL,
            note TEXT NOT NULL,
            is_self_registered INTEGER NOT NULL CHECK (is_self_registered IN (0, 1)),
            password_hash TEXT CHECK (length(password_hash) BETWEEN 1 AND 256),
            created_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            first_seen INTEGER,
            last_seen INTEGER,
            last_address TEXT
        ) STRICT;
        CREATE INDEX device_by_profile ON device (profile, name);
        CREATE INDEX device_to_decide ON device (state, name) WHERE state <> 'active';

        CREATE TABLE pin (
            device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
            position INTEGER NOT NULL CHECK (position BETWEEN 1 AND 5),
            kind TEXT NOT NULL CHECK (kind IN ('certificate', 'public-key')),
            sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
            added_at INTEGER NOT NULL,
            PRIMARY KEY (device, position),
            UNIQUE (sha256, kind)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attribute (
            device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
            value TEXT NOT NULL,
            PRIMARY KEY (device, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE override (
            device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
            value INTEGER NOT NULL CHECK (value >= 0),
            PRIMARY KEY (device, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE certificate (
            device INTEGER PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,
            sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
            subject TEXT NOT NULL,
            not_after INTEGER NOT NULL,
            der BLOB NOT NULL CHECK (length(der) <= 16384),
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            device TEXT NOT NULL,
            action TEXT NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX audit_by_device ON audit (device, id);

        CREATE TABLE self_registered_count (
            profile TEXT PRIMARY KEY,
            devices INTEGER NOT NULL CHECK (devices >= 0)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER device_inserted AFTER INSERT ON device WHEN new.is_self_registered BEGIN
            INSERT INTO self_registered_count (profile, devices) VALUES (new.profile, 1)
                ON CONFLICT (profile) DO UPDATE SET devices = devices + 1;
        END;
        CREATE TRIGGER device_deleted AFTER DELETE ON device WHEN old.is_self_registered BEGIN
            UPDATE self_registered_count SET devices = devices - 1 WHERE profile = old.profile;
        END;
        CREATE TRIGGER device_moved AFTER UPDATE OF profile ON device
            WHEN old.is_self_registered AND old.profile <> new.profile
        BEGIN
            UPDATE self_registered_count SET devices = devices - 1 WHERE profile = old.profile;
            INSERT INTO self_registered_count (profile, devices) VALUES (new.profile, 1)
                ON CONFLICT (profile) DO UPDATE SET devices = devices + 1;
        END;
        """
}
