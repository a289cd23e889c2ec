/// Names one device: its tenant, and its device id within the tenant. To the broker the two are one name,
/// `<tenant>/<device>`; neither holds a `/`.
public struct DeviceKey: Sendable, Hashable, Comparable {
    public let tenant: String
    public let deviceID: String

    /// Takes the parts as they are. What comes from outside goes through ``init(parsing:)``.
    public init(tenant: String, deviceID: String) {
        self.tenant = tenant
        self.deviceID = deviceID
    }

    /// Reads `<tenant>/<device>`, or a device id alone, which is of the tenant `default`. Nil when either part may not
    /// stand in a topic (empty, longer than 128 bytes, `+ # /`, control characters, `$` first).
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let deviceID = parts.last, parts.count <= 2 else { return nil }
        let tenant = parts.count == 2 ? parts[0] : ProfileCompiler.defaultTenant
        guard PlaceholderValue.objection(to: Array(tenant.utf8)) == nil,
            PlaceholderValue.objection(to: Array(deviceID.utf8)) == nil
        else { return nil }
        self.init(tenant: tenant, deviceID: deviceID)
    }

    /// Byte for byte, as the broker compares names: `String` would take canonically equivalent ones for one.
    public static func == (left: DeviceKey, right: DeviceKey) -> Bool {
        left.deviceID.utf8.elementsEqual(right.deviceID.utf8) && left.tenant.utf8.elementsEqual(right.tenant.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in tenant.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(ascii: "/"))
        for byte in deviceID.utf8 { hasher.combine(byte) }
    }

    public static func < (left: DeviceKey, right: DeviceKey) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

extension DeviceKey: CustomStringConvertible {
    public var description: String { "\(tenant)/\(deviceID)" }
}
