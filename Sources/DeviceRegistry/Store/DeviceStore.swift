public import FleetPolicy

/// A device with everything that is kept of it.
public struct StoredDevice: Sendable, Hashable {
    /// Its `hasPassword` is for listings; what counts is ``passwordHash``.
    public var record: DeviceRecord
    /// Never logged, and only in exports that ask for it.
    public var passwordHash: String?

    public init(_ record: DeviceRecord, passwordHash: String?) {
        self.record = record
        self.record.hasPassword = passwordHash != nil
        self.passwordHash = passwordHash
    }

    /// What a decision may depend on.
    public var registered: RegisteredDevice {
        RegisteredDevice(
            key: record.key, state: record.state, profile: record.profile, isSelfRegistered: record.isSelfRegistered,
            pins: record.pins.map(\.pin), attributes: record.attributes, overrides: record.overrides,
            passwordHash: passwordHash)
    }
}

/// Where the registry keeps its devices for good.
///
/// A store knows no rules about devices beyond what keeps it consistent: a name is given once, a pin belongs to one
/// device, a device has at most five pins. ``DeviceRegistry`` has the rules and asks for them inside ``write(_:)``.
///
/// What a store has to promise, so that one for several gateways can follow:
/// * Everything done in one ``write(_:)`` is there afterwards, or nothing is. When the call returns, it is durable.
/// * Writes are serializable, also between processes that share the database: no other write happens between what
///   `body` reads and what it writes. The quota of registrations rests on that.
/// * `body` may be called again when the database asks to try again. It has no effects but those on the writer.
/// * ``read(_:)`` and ``loadDirectory()`` see one state of the database, that of some moment after all writes that
///   returned before.
/// * `body` runs off the threads of Swift's tasks: it may wait for the disk or the network.
/// * Cancelling the calling task does not stop a call: who waits knows whether a write happened.
/// * Errors are ``RegistryError``: those of `body` as they are, and the codes `store-failed`, `store-busy` and
///   `newer-schema` for the store's own. They hold no secrets and no values of devices.
public protocol DeviceStore: Sendable {
    /// Reads every device, one after the other, into a directory.
    func loadDirectory() async throws(RegistryError) -> DeviceDirectory

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreReader) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer

    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer

    /// Ends the use of the database; nothing may be asked afterwards.
    func close() async throws(RegistryError)
}

/// What can be read in one transaction. Used inside the closure that it is handed to, by that thread only.
public protocol DeviceStoreReader {
    func device(_ key: DeviceKey) throws(RegistryError) -> StoredDevice?
    func contains(_ key: DeviceKey) throws(RegistryError) -> Bool
    /// In the byte order of `<tenant>/<device>`, at most `query.limit`. The last certificate's DER encoding is left out.
    func devices(_ query: DeviceQuery) throws(RegistryError) -> [StoredDevice]
    /// How many devices fit; `after` and `limit` do not count.
    func count(_ query: DeviceQuery) throws(RegistryError) -> Int
    /// How many devices of a profile registered themselves by connecting, in any state. The time it takes must not
    /// depend on how many there are: it is asked in every registration.
    func selfRegisteredCount(ofProfile profile: String) throws(RegistryError) -> Int
    /// The device that a pin belongs to.
    func owner(of pin: CertificatePin) throws(RegistryError) -> DeviceKey?
    /// The names of all attributes of the devices that fit, in byte order; `after` and `limit` do not count.
    func attributeNames(_ query: DeviceQuery) throws(RegistryError) -> [String]
    /// The certificates that devices were last seen with, where the DER encoding is known; in the order of the devices.
    func certificates(_ query: DeviceQuery) throws(RegistryError) -> [(device: DeviceKey, der: [UInt8])]
    /// Newest first.
    func history(of key: DeviceKey, limit: Int) throws(RegistryError) -> [DeviceHistoryEntry]
}

/// What can be changed in one transaction.
public protocol DeviceStoreWriter: DeviceStoreReader {
    /// The device must not be there.
    func insert(_ device: StoredDevice) throws(RegistryError)
    /// Replaces what commands can change; `old` is what ``DeviceStoreReader/device(_:)`` gave in this transaction.
    func update(_ old: StoredDevice, to new: StoredDevice) throws(RegistryError)
    func delete(_ key: DeviceKey) throws(RegistryError)
    /// Writes down that a device was seen. The first sighting stays the first; an earlier one than the last changes
    /// nothing else. False: there is no such device.
    func record(_ sighting: Sighting) throws(RegistryError) -> Bool
    func append(_ entry: DeviceHistoryEntry) throws(RegistryError)
}
