public import FleetPKI
internal import Foundation

/// A device's certificate and key, and the files they are in.
public struct DeviceCredentials: Sendable {
    public let issued: IssuedCertificate
    public let certificatePath: String
    public let keyPath: String

    public init(_ issued: IssuedCertificate, in directory: ScratchDirectory) throws {
        let name = UUID().uuidString
        self.issued = issued
        self.certificatePath = try directory.write(name + ".pem", issued.chainPEM)
        self.keyPath = try directory.write(name + ".key", issued.privateKeyPEM)
    }
}

/// The names of devices that the shipped profiles are for.
public enum DeviceName {
    public static func meter(_ serial: String, site: String = "hamburg-nord") -> [(String, String)] {
        [("O", "Elbe Netz"), ("OU", site), ("CN", "meter-\(serial)")]
    }

    public static func tracker(_ imei: String, fleet: String = "trucks-north") -> [(String, String)] {
        [("O", "Nordfracht"), ("OU", fleet), ("CN", "tracker-\(imei)")]
    }

    public static func buildingGateway(_ id: String, building: String = "speicherstadt-12") -> [(String, String)] {
        [("O", "Hausdienst"), ("OU", building), ("CN", "gateway-\(id)")]
    }
}
