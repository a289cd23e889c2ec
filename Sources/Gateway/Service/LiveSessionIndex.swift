internal import FleetPolicy

/// The live sessions of one event loop by everything they can be ended by.
///
/// What it costs for each session, beside the sessions' own: an entry of 16 to 24 bytes in a table that is between three
/// eighths and three quarters full, for device (whose key is 32 bytes more), certificate and fingerprint, and a place in
/// three sets (path, tenant, profile) at 8 bytes and the same fill: some 250 bytes. Certificate and fingerprint are kept by
/// 8 bytes of a hash and so may find a session too many: whoever asks compares the session's own.
struct LiveSessionIndex {
    /// What of a session is in the index; as it was when it was added.
    struct Entry {
        let key: DeviceKey
        let profile: String
        let path: IssuerPath?
        let certificateHash: UInt64?
        let fingerprintHash: UInt64

        init(_ device: DeviceDescription, _ credential: SessionCredential) {
            self.key = DeviceKey(tenant: device.tenant, deviceID: device.deviceID)
            self.profile = device.profile
            self.path = credential.path
            self.certificateHash = credential.certificateID.map(LiveSessionIndex.hash)
            self.fingerprintHash = credential.fingerprint.prefix
        }
    }

    private(set) var devices = SessionIndex<DeviceKey>()
    private var paths = SessionIndex<IssuerPath>()
    private var certificates = SessionIndex<UInt64>()
    private var fingerprints = SessionIndex<UInt64>()
    private var tenants = SessionIndex<String>()
    private var profiles = SessionIndex<String>()

    /// Different in each run of the program: nobody can choose serial numbers that have one.
    private static func hash(_ certificate: CertificateID) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(certificate)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    mutating func add(_ session: UInt64, _ entry: Entry) {
        self.devices.add(session, to: entry.key)
        self.tenants.add(session, to: entry.key.tenant)
        self.profiles.add(session, to: entry.profile)
        self.fingerprints.add(session, to: entry.fingerprintHash)
        if let path = entry.path { self.paths.add(session, to: path) }
        if let hash = entry.certificateHash { self.certificates.add(session, to: hash) }
    }

    mutating func remove(_ session: UInt64, _ entry: Entry) {
        self.devices.remove(session, from: entry.key)
        self.tenants.remove(session, from: entry.key.tenant)
        self.profiles.remove(session, from: entry.profile)
        self.fingerprints.remove(session, from: entry.fingerprintHash)
        if let path = entry.path { self.paths.remove(session, from: path) }
        if let hash = entry.certificateHash { self.certificates.remove(session, from: hash) }
    }

    /// The path that sessions share already, or this one.
    func shared(_ path: IssuerPath) -> IssuerPath { self.paths.kept(path) ?? path }

    // MARK: Looked up

    /// The sessions with a CA of their chain, or its anchor, among these.
    func sessions(under authorities: Set<AuthorityID>) -> [UInt64] {
        self.paths.keys.filter { !authorities.isDisjoint(with: $0.authorityIDs) }.flatMap { self.paths[$0] }
    }

    /// The sessions under an anchor, by the SHA-256 of its certificate.
    func sessions(underAnchor fingerprint: [UInt8]) -> [UInt64] {
        self.paths.keys.filter { $0.anchor.value.sha256Fingerprint == fingerprint }.flatMap { self.paths[$0] }
    }

    /// The sessions that have one of these certificates in their chain, and perhaps others.
    func candidates(presenting certificates: Set<CertificateID>) -> [UInt64] {
        let authorities = self.paths.keys.filter { !certificates.isDisjoint(with: $0.authorities) }
        return self.certificates.sessions(of: Set(certificates.map(Self.hash)))
            + authorities.flatMap { self.paths[$0] }
    }

    /// The sessions that have one of these leaf certificates, and perhaps others.
    func candidates(presenting fingerprints: Set<SHA256Value>) -> [UInt64] {
        self.fingerprints.sessions(of: Set(fingerprints.map(\.prefix)))
    }

    func sessions(ofTenant tenant: String) -> [UInt64] { self.tenants[tenant] }

    func sessions(ofProfile profile: String) -> [UInt64] { self.profiles[profile] }
}
