import FleetPKI
import Foundation

/// What a PKI folder holds, for people and, by `Codable`, for programs.
struct CredentialInventory: Sendable, Equatable, Codable {
    /// A CA, or the server.
    struct Certificate: Sendable, Equatable, Codable {
        var file: String
        var subject: String
        var serialNumber: String
        var notAfter: Date
        var key: String
    }

    /// A device of the cache.
    struct Device: Sendable, Equatable, Codable {
        var name: String
        var serialNumber: String
        var kind: CredentialKind
        var notBefore: Date
        var notAfter: Date
        var key: DeviceKeyType
        /// In the folder `devices`.
        var file: String
    }

    /// The issuing CA's revocation list.
    struct RevocationList: Sendable, Equatable, Codable {
        var number: UInt64?
        var revoked: Int
        var thisUpdate: Date
        var nextUpdate: Date?
    }

    var certificates: [Certificate]
    var revocationList: RevocationList?
    /// By file name.
    var devices: [Device]
    /// Certificate files without a record of ours, or with a damaged one.
    var unknownFiles: [String]

    /// Looks through a PKI's folder.
    ///
    /// - Throws: ``SimulatorError`` if it is no PKI, or a file cannot be read.
    init(folder: String) throws(SimulatorError) {
        let pki = try SimulatorPKI.open(folder: folder)
        certificates = []
        for name in [SimulatorPKI.FileName.root, .issuing, .server] {
            let path = name.path(in: folder)
            guard FileManager.default.fileExists(atPath: path) else { continue }
            certificates.append(try Self.certificate(name, path))
        }
        revocationList = try pki.revocations?.current().map { list in
            RevocationList(
                number: list.number, revoked: list.revoked.count, thisUpdate: list.thisUpdate,
                nextUpdate: list.nextUpdate)
        }
        devices = []
        unknownFiles = []
        let cache = SimulatorPKI.FileName.devices.path(in: folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []
        for name in names.filter({ $0.hasSuffix(".crt") }).sorted() {
            guard let (record, _) = CredentialRecord.read(try TextFile.read(cache + "/" + name)) else {
                unknownFiles.append(name)
                continue
            }
            devices.append(
                Device(
                    name: record.name, serialNumber: record.serialNumber, kind: record.origin.kind,
                    notBefore: Date(timeIntervalSince1970: Double(record.notBefore)),
                    notAfter: Date(timeIntervalSince1970: Double(record.notAfter)), key: record.origin.keyType,
                    file: name))
        }
    }

    private static func certificate(
        _ name: SimulatorPKI.FileName, _ path: String
    ) throws(SimulatorError) -> Certificate {
        let text = try TextFile.read(path)
        do throws(PKIError) {
            guard let read = try CertificateInspection.all(pem: text).first else {
                throw PKIError(code: .noPEMBlock, message: "it has no certificate")
            }
            return Certificate(
                file: name.rawValue, subject: read.subject, serialNumber: read.serialNumber, notAfter: read.notAfter,
                key: read.keyType)
        } catch {
            throw .file(error.code.rawValue, "\(path): \(error.message)")
        }
    }

    /// As a table.
    var text: String {
        var rows = [["NAME", "SERIAL NUMBER", "KIND", "NOT AFTER", "KEY"]]
        for certificate in certificates {
            rows.append([
                certificate.file, certificate.serialNumber,
                certificate.file == SimulatorPKI.FileName.server.rawValue
                    ? "server" : "ca", Self.day(certificate.notAfter), certificate.key,
            ])
        }
        for device in devices {
            rows.append([
                device.name, device.serialNumber, device.kind.rawValue, Self.day(device.notAfter), device.key.rawValue,
            ])
        }
        var text = Self.columns(rows)
        if let list = revocationList {
            let next = list.nextUpdate.map { ", next update due \(Self.day($0))" } ?? ""
            text += "crl.pem: number \(list.number.map(String.init) ?? "none"), \(list.revoked) revoked\(next)\n"
        }
        for file in unknownFiles { text += "devices/\(Self.visible(file)): not made by firmware-sim, or damaged\n" }
        return text
    }

    private static func day(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day())
    }

    private static func columns(_ rows: [[String]]) -> String {
        let visibleRows = rows.map { $0.map(visible) }
        let count = visibleRows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            visibleRows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return visibleRows.map { row in
            zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }.joined(separator: "  ").trimmingSpaces() + "\n"
        }.joined()
    }

    /// Without what would steer a terminal.
    private static func visible(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }
}
