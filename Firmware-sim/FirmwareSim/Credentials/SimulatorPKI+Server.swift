import FleetPKI
import Foundation
import NIOCore

extension SimulatorPKI {
    /// What a server's certificate says.
    struct ServerNames: Sendable, Equatable {
        /// DNS names; the first is the common name too.
        var names: [String]
        /// IPv4 and IPv6 addresses.
        var addresses: [String]
        /// How long it is good for, in days.
        var validityDays = 825

        /// What is wrong with them, for the operator. Addresses are looked at when the certificate is made.
        func mistakes() -> [SimulatorError] {
            var mistakes: [SimulatorError] = []
            if !(1...Self.countMax).contains(names.count + addresses.count) {
                mistakes.append(
                    .options("bad-server-name", "a server has from 1 to \(Self.countMax) names and addresses"))
            }
            for name in names where !Self.isHostName(name) {
                mistakes.append(
                    .options(
                        "bad-server-name",
                        "--name '\(name.prefix(64))' is not a DNS name such as localhost or *.example.org"))
            }
            for address in addresses where (try? SocketAddress(ipAddress: address, port: 0)) == nil {
                mistakes.append(
                    .options("bad-server-name", "--address '\(address.prefix(64))' is not an IPv4 or IPv6 address"))
            }
            return mistakes
        }

        /// Labels of letters, digits and hyphens, 63 bytes each and 253 in all (RFC 1035 section 2.3.4); the first may be
        /// a wildcard (RFC 6125 section 6.4.3).
        private static func isHostName(_ name: String) -> Bool {
            guard name.utf8.count <= 253 else { return false }
            let labels = name.split(separator: ".", omittingEmptySubsequences: false)
            return labels.enumerated().allSatisfy { place, label in
                if place == 0, label == "*", labels.count > 1 { return true }
                return (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    }
            }
        }

        /// A server on this machine.
        static let local = ServerNames(names: ["localhost"], addresses: ["127.0.0.1", "::1"])
        /// Names and addresses of one certificate: no server that is tested has more.
        static let countMax = 100
    }

    /// Writes `server.pem` (the certificate and the issuing CA's) and `server.key` for a server that is to be tested.
    ///
    /// - Parameters:
    ///   - folder: The PKI's.
    ///   - replacing: Whether those of an earlier call may be replaced.
    /// - Throws: ``SimulatorError``: `server-exists`, `bad-server-name` or all such mistakes at once, `file-unwritable`, or what cannot be issued.
    func makeServer(
        _ names: ServerNames, folder: String, replacing: Bool = false
    ) throws(SimulatorError) {
        let files = FileName.server.path(in: folder)
        let keyFile = FileName.serverKey.path(in: folder)
        let entries = names.names.map { AlternativeName.dns($0) } + names.addresses.map { AlternativeName.ip($0) }
        if let mistake = SimulatorError.all(of: names.mistakes()) { throw mistake }
        let first = names.names.first ?? names.addresses.first ?? ""
        let issued: IssuedCertificate
        do throws(PKIError) {
            issued = try authority.issue(
                CertificateTemplate(
                    subject: [("CN", String(first.prefix(SimulatorLimits.subjectValueBytesMax)))],
                    alternativeNames: entries, purpose: .server,
                    notAfter: min(Date() + Double(names.validityDays) * 86_400, authority.notAfter)
                ))
        } catch {
            throw .options(error.code.rawValue, "no server certificate: \(error.message)")
        }
        try PrivateFile.withLock(onFolder: folder) { () throws(SimulatorError) in
            let isThere = [files, keyFile].contains { FileManager.default.fileExists(atPath: $0) }
            guard replacing || !isThere else {
                throw .file(
                    "server-exists", "\(files) or \(keyFile) is there already; --replace writes them anew")
            }
            // A certificate must not lie beside the key of another.
            try? FileManager.default.removeItem(atPath: files)
            try PrivateFile.write(issued.privateKeyPEM, to: keyFile, mode: PrivateFile.secretMode)
            try PrivateFile.write(issued.chainPEM, to: files, mode: PrivateFile.publicMode)
        }
    }
}
