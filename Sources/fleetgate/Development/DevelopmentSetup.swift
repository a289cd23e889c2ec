import AdminAPI
import FleetPKI
import Foundation
import NIOCore

/// What `fleetgate init` makes.
struct DevelopmentSetup {
    /// The server's certificate ends after this many days: long enough for a trial, short enough to be renewed once.
    private static let serverDays = 825

    /// Host names and addresses in the server's certificate.
    let hostNames: [String]
    private let listener: ListenerSettings
    private let admin: AdminAddress
    private let alternativeNames: [AlternativeName]
    /// The certificate's CN, for people: the first name that was asked for.
    private let commonName: String

    /// - Throws: `CommandFailure` when a name or address is not one.
    init(names: [String], addresses: [String], listen: String, admin: String) throws {
        var alternativeNames: [AlternativeName] = [.dns("localhost"), .ip("127.0.0.1"), .ip("::1")]
        var hostNames = ["localhost", "127.0.0.1", "::1"]
        for name in names + [ProcessInfo.processInfo.hostName] where !hostNames.contains(name) {
            guard case .dns = try AlternativeNameText.parse("DNS:" + name), Self.isHostName(name) else {
                // The machine's own name may be anything; only one that was asked for is worth an error.
                guard names.contains(name) else { continue }
                throw CommandFailure("`\(name)` is not a host name")
            }
            alternativeNames.append(.dns(name))
            hostNames.append(name)
        }
        for address in addresses where !hostNames.contains(address) {
            guard (try? SocketAddress(ipAddress: address, port: 0)) != nil else {
                throw CommandFailure("`\(address)` is not an IP address")
            }
            alternativeNames.append(.ip(address))
            hostNames.append(address)
        }
        guard let (host, port) = HostAndPort.split(listen), (try? SocketAddress(ipAddress: host, port: port)) != nil
        else { throw CommandFailure("--listen takes an IP address and a port, such as 0.0.0.0:8883") }
        guard let (adminHost, adminPort) = HostAndPort.split(admin) else {
            throw CommandFailure("--admin takes an IP address and a port, such as 127.0.0.1:9464")
        }
        self.hostNames = hostNames
        self.commonName = names.first ?? "localhost"
        self.alternativeNames = alternativeNames
        self.listener = ListenerSettings(address: host, port: port)
        self.admin = try AdminAddress(host: adminHost, port: adminPort)
    }

    /// Makes the folder: whole, or nothing.
    ///
    /// - Parameter issuance: Of the CA that is to be used; nil: one is made.
    func write(to path: String, issuance: CertificateIssuance? = nil) throws {
        let directory = try NewDirectory(at: path)
        do {
            if let issuance {
                try write(into: directory, using: issuance)
            } else {
                try write(into: directory)
            }
            try directory.commit()
        } catch {
            directory.discard()
            throw error
        }
    }

    private func write(into directory: NewDirectory) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let server = try root.issue(
            CertificateTemplate(
                subject: subject, alternativeNames: alternativeNames,
                purpose: .server, notAfter: Date() + TimeInterval(Self.serverDays) * 86_400))
        try directory.createDirectory("ca")
        try directory.write(root.certificatePEM, to: "ca/ca.pem")
        try directory.write(root.privateKeyPEM, to: "ca/ca.key")
        try write(server, authority: nil, into: directory)
    }

    private func write(into directory: NewDirectory, using issuance: CertificateIssuance) throws {
        let server = try issuance.issue(
            CertificateOrder(
                subject: subject, alternativeNames: alternativeNames, purpose: .server, days: Self.serverDays),
            keyType: .p256)
        try write(server, authority: issuance.folder, into: directory)
    }

    private var subject: [(String, String)] { [("CN", String(commonName.prefix(64)))] }

    /// - Parameter authority: Nil: it is in the folder `ca` here.
    private func write(
        _ server: IssuedCertificate, authority: CAFolder?, into directory: NewDirectory
    ) throws {
        try directory.write(server.chainPEM, to: "server.pem")
        try directory.write(server.privateKeyPEM, to: "server.key")
        try directory.createDirectory("profiles")
        for (name, contents) in ShippedProfiles.files {
            try directory.write(contents, to: "profiles/\(name)")
        }
        try directory.createDirectory("devices")
        let anchor = try authority.map { try AnchorText($0) } ?? .ownCA
        try directory.write(
            ConfigurationTemplate.text(listener: listener, admin: admin, anchor: anchor), to: "fleetgate.yaml")
        try directory.write(
            ReadmeTemplate.text(port: listener.port, admin: admin, anchor: anchor), to: "README.md")
    }

    private static func isHostName(_ name: String) -> Bool {
        name.utf8.count <= 253 && !name.isEmpty
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                            || byte == UInt8(ascii: "*")
                    }
            }
    }
}

/// The device profiles that ship, inside the program: `init` needs them wherever the program has been copied to.
enum ShippedProfiles {
    /// By the names of their files; the schema that they name is beside them.
    static var files: [(name: String, contents: String)] {
        [
            ("asset-tracker.yaml", PackageResources.asset_tracker_yaml),
            ("building-gateway.yaml", PackageResources.building_gateway_yaml),
            ("smart-meter.yaml", PackageResources.smart_meter_yaml),
            ("device-profile.schema.json", PackageResources.device_profile_schema_json),
        ].map { ($0.0, String(decoding: $0.1, as: UTF8.self)) }
    }
}
