public import FleetPolicy

extension ClientIDRule {
    /// What may come after the device id in an extended client identifier.
    private static let separators: Set<UInt8> = [
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "_"),
    ]
    /// Bytes after the separator: room for a UUID and a word.
    private static let extensionBytes = 1...64

    /// Whether a device may call itself so in CONNECT. Compared byte by byte, as a broker does.
    ///
    /// Under `assigned`, the name that the gateway gives is allowed too: an MQTT 5.0 client comes back with it (section
    /// 3.1.3.1), and it is the only way for MQTT 3.1.1 to keep a session, which that version does not without a name
    /// (MQTT-3.1.3-7 of 3.1.1).
    public func permits(_ clientIdentifier: String, for device: DeviceKey) -> Bool {
        let isDeviceID = clientIdentifier.utf8.elementsEqual(device.deviceID.utf8)
        return switch self {
        case .free: true
        case .equal: isDeviceID
        case .extend: isDeviceID || Self.isExtended(clientIdentifier, device.deviceID)
        case .assigned:
            clientIdentifier.isEmpty || clientIdentifier.utf8.elementsEqual(device.description.utf8)
        }
    }

    private static func isExtended(_ clientIdentifier: String, _ deviceID: String) -> Bool {
        guard clientIdentifier.utf8.starts(with: deviceID.utf8) else { return false }
        let rest = clientIdentifier.utf8.dropFirst(deviceID.utf8.count)
        guard let separator = rest.first, Self.separators.contains(separator),
            Self.extensionBytes.contains(rest.count - 1)
        else { return false }
        // The separator is ASCII, so what follows it begins a character of its own.
        for scalar in Substring(rest.dropFirst()).unicodeScalars {
            switch scalar {
            case "+", "#", "/", "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": return false
            case _: continue
            }
        }
        return true
    }
}

extension DeviceGrant {
    /// The name the broker knows the device by, as user name and as client identifier.
    var upstreamIdentity: String { self.key.description }

    /// The client identifier at the broker. Under the rule `extend`, each identifier a device takes is a session of its
    /// own below the device's name; the name stays in it whole, since a device `pump` with the extension `-7` must not
    /// take the session of a device `pump-7`.
    func upstreamClientIdentifier(for clientIdentifier: String, rule: ClientIDRule) -> String {
        switch rule {
        case .free, .equal, .assigned:
            self.upstreamIdentity
        case .extend:
            clientIdentifier.utf8.elementsEqual(self.deviceID.utf8)
                ? self.upstreamIdentity : "\(self.upstreamIdentity)/\(clientIdentifier)"
        }
    }
}
