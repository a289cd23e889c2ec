/// A view of one device in a ``DeviceDirectory``. It keeps the part of the directory alive that it looks at, and stays
/// as it is when the directory is replaced. What it is asked is read from the packed bytes each time.
public struct DeviceEntry: Sendable {
    private let bytes: [UInt8]
    private let head: UInt8
    let profileNumber: Int
    /// Empty when nobody said. The text is the directory's own, so it costs nothing.
    public let profile: String
    private let tenantRange: Range<Int>
    private let deviceIDRange: Range<Int>
    public let pinCount: Int
    private let pinsOffset: Int

    init(bytes: [UInt8], offset: Int, profiles: ProfileNames) {
        var reader = DeviceEncoding.Reader(bytes: bytes, offset: offset)
        _ = reader.number()
        head = reader.byte()
        profileNumber = reader.count()
        tenantRange = reader.textRange()
        deviceIDRange = reader.textRange()
        pinCount = reader.count()
        pinsOffset = reader.offset
        self.bytes = bytes
        profile = profiles.name(profileNumber)
    }

    public var state: DeviceState { DeviceEncoding.state(head) }
    public var isSelfRegistered: Bool { head & DeviceEncoding.isSelfRegistered != 0 }
    public var hasPins: Bool { pinCount > 0 }
    public var hasPassword: Bool { head & DeviceEncoding.hasPasswordHash != 0 }
    public var hasOverrides: Bool { head & DeviceEncoding.hasOverrides != 0 }

    public var key: DeviceKey {
        DeviceKey(
            tenant: String(decoding: bytes[tenantRange], as: UTF8.self),
            deviceID: String(decoding: bytes[deviceIDRange], as: UTF8.self))
    }

    /// Whether it is this device, without making a key.
    public func isDevice(_ key: DeviceKey) -> Bool {
        key.deviceID.utf8.elementsEqual(bytes[deviceIDRange]) && key.tenant.utf8.elementsEqual(bytes[tenantRange])
    }

    /// Whether one of the device's pins is for a certificate with these hashes. Allocates nothing.
    public func isPinned(certificateSHA256: [UInt8], publicKeySHA256: [UInt8]) -> Bool {
        for position in 0..<pinCount {
            let offset = pinsOffset + position * DeviceEncoding.pinBytes
            let sha256 = bytes[offset] == 0 ? certificateSHA256 : publicKeySHA256
            if bytes[offset + 1..<offset + DeviceEncoding.pinBytes].elementsEqual(sha256) { return true }
        }
        return false
    }

    public var pins: [CertificatePin] {
        (0..<pinCount).compactMap { position in
            let offset = pinsOffset + position * DeviceEncoding.pinBytes
            return CertificatePin(
                bytes[offset] == 0 ? .certificate : .publicKey,
                sha256: Array(bytes[offset + 1..<offset + DeviceEncoding.pinBytes]))
        }
    }

    public var attributes: [String: String] { remainder.attributes }
    public var overrides: DeviceOverrides { hasOverrides ? remainder.overrides : DeviceOverrides() }
    /// Never logged.
    public var passwordHash: String? { hasPassword ? remainder.passwordHash : nil }

    /// The value of one attribute, without making the others; nil: the device has none of this name.
    public func attribute(_ name: String) -> String? {
        var reader = attributesReader
        for _ in 0..<reader.count() {
            let found = reader.textRange()
            let value = reader.textRange()
            if bytes[found].elementsEqual(name.utf8) { return String(decoding: bytes[value], as: UTF8.self) }
        }
        return nil
    }

    /// Everything, as a value of its own.
    public var device: RegisteredDevice {
        let remainder = remainder
        return RegisteredDevice(
            key: key, state: state, profile: profile, isSelfRegistered: isSelfRegistered, pins: pins,
            attributes: remainder.attributes, overrides: remainder.overrides, passwordHash: remainder.passwordHash)
    }

    func isSame(as other: DeviceEntry) -> Bool {
        bytes[tenantRange].elementsEqual(other.bytes[other.tenantRange])
            && bytes[deviceIDRange].elementsEqual(other.bytes[other.deviceIDRange])
    }

    func has(_ pin: CertificatePin) -> Bool {
        isPinned(
            certificateSHA256: pin.kind == .certificate ? pin.sha256 : [],
            publicKeySHA256: pin.kind == .publicKey ? pin.sha256 : [])
    }

    private var attributesReader: DeviceEncoding.Reader {
        DeviceEncoding.Reader(bytes: bytes, offset: pinsOffset + pinCount * DeviceEncoding.pinBytes)
    }

    /// What stands behind the pins.
    private var remainder: (attributes: [String: String], overrides: DeviceOverrides, passwordHash: String?) {
        var reader = attributesReader
        var attributes: [String: String] = [:]
        for _ in 0..<reader.count() {
            let name = reader.text()
            attributes[name] = reader.text()
        }
        var overrides = DeviceOverrides()
        if hasOverrides {
            let present = reader.byte()
            for (bit, limit) in DeviceOverrides.Limit.allCases.enumerated() where present & 1 << UInt8(bit) != 0 {
                overrides[limit] = Int(Int64(bitPattern: reader.number()))
            }
        }
        return (attributes, overrides, hasPassword ? reader.text() : nil)
    }
}
