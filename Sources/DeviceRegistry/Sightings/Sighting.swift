public import FleetPolicy

/// That a device was let in.
public struct Sighting: Sendable, Hashable {
    /// Bytes of an address that are kept: an IPv6 address with its zone and port fits.
    static let addressBytesMax = 96

    public var key: DeviceKey
    /// Seconds since 1970-01-01T00:00:00Z.
    public var at: Int64
    /// The network address, as logs show it.
    public var address: String
    public var certificate: SeenCertificate?

    public init(key: DeviceKey, at: Int64, address: String, certificate: SeenCertificate?) {
        self.key = key
        self.at = at
        self.address = address
        self.certificate = certificate
    }

    /// What of it is kept: nothing that a device sends makes the registry grow without bound.
    var bounded: Sighting {
        var bounded = self
        bounded.address = Self.cut(address, bytesMax: Self.addressBytesMax)
        guard var certificate else { return bounded }
        guard certificate.sha256.count == 32 else {
            bounded.certificate = nil
            return bounded
        }
        certificate.subject = Self.cut(certificate.subject, bytesMax: SeenCertificate.subjectBytesMax)
        if certificate.der.count > SeenCertificate.derBytesMax { certificate.der = [] }
        bounded.certificate = certificate
        return bounded
    }

    /// The text, or its beginning with an ellipsis behind it.
    private static func cut(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var kept = ""
        for scalar in text.unicodeScalars {
            guard kept.utf8.count + 7 <= bytesMax else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }
}

/// What became of sightings since the start.
public struct SightingCounts: Sendable, Hashable {
    public var written = 0
    /// Of devices that are not registered: only counted.
    public var unregistered = 0
    /// Given up, because too many came within a second or the database could not be written.
    public var dropped = 0

    public init() {}
}
