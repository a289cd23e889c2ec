public import FleetPKI
internal import Foundation

/// The files that a device's certificate and key are in.
public protocol CredentialFiles: Sendable {
    var certificatePath: String { get }
    var keyPath: String { get }
}

/// A certificate that nobody issued.
public struct SelfSignedCredentials: CredentialFiles {
    public let certificatePath: String
    public let keyPath: String
}

/// A device's certificate and key, and the files they are in.
public struct DeviceCredentials: CredentialFiles {
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
