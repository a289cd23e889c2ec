import FleetPKI
import Foundation
import NIOMbedTLS
import TestKit
import Testing

private let openssl = "/usr/bin/openssl"
private let hasOpenSSL = FileManager.default.isExecutableFile(atPath: openssl)

/// Certificates that only an older or careless issuer makes; the `openssl` command makes them here.
@Suite("foreign certificates", .enabled(if: hasOpenSSL, "the openssl command is not installed"))
struct ForeignCertificateTests {
    private struct CommandFailed: Error {
        let arguments: [String]
    }

    private func run(_ arguments: [String], in folder: URL) throws {
        let (status, _) = try Program.wait(for: openssl, arguments, folder: folder.path)
        guard status == 0 else { throw CommandFailed(arguments: arguments) }
    }

    /// A device's certificate and key, in PEM.
    private func issue(
        key: [String], digest: String, extensions: Bool, serial: String
    ) throws -> (chain: [UInt8], key: [UInt8]) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let root = try TLSTestCredentials.get().root
        try write(root.certificatePEM, "ca.pem")
        try write(root.privateKeyPEM, "ca.key")
        try write("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n", "extensions")
        try self.run(
            ["req", "-new", "-nodes", "-keyout", "key", "-out", "csr", "-subj", "/CN=meter-9"] + key, in: folder)
        try self.run(
            ["x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", serial, "-days", "2"]
                + [digest, "-out", "certificate"] + (extensions ? ["-extfile", "extensions"] : []), in: folder)
        return (
            Array(try Data(contentsOf: folder.appendingPathComponent("certificate"))),
            Array(try Data(contentsOf: folder.appendingPathComponent("key")))
        )
    }

    struct Odd: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: TLSError.Code
        var alert = TLSAlert(rawValue: 43)
        var key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        var digest = "-sha256"
        var extensions = true
        var serial = "7"
        /// Whether a client can have it at all.
        var versions = TLSVersion.testable
    }

    static let odd: [Odd] = [
        Odd(testDescription: "version 1", code: .notV3, extensions: false),
        Odd(testDescription: "RSA of 1024 bits", code: .weakKey, key: ["-newkey", "rsa:1024"]),
        Odd(
            testDescription: "P-192", code: .weakKey,
            key: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"], versions: [.v1_2]),
        Odd(testDescription: "SHA-1", code: .weakSignature, digest: "-sha1"),
        Odd(testDescription: "a negative serial number", code: .badSerial, serial: "-7"),
        Odd(testDescription: "serial number 0", code: .badSerial, serial: "0"),
    ]

    @Test(arguments: odd)
    func isRefused(_ odd: Odd) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try self.issue(
            key: odd.key, digest: odd.digest, extensions: odd.extensions, serial: odd.serial)
        for version in odd.versions {
            let pair = try TLSPair(
                client: credentials.clientConfiguration(version.only) {
                    $0.certificateChainPEM = made.chain
                    $0.privateKeyPEM = made.key
                },
                server: credentials.serverConfiguration())
            try pair.handshake()
            #expect(pair.server.error?.code == odd.code, "\(String(describing: pair.server.error))")
            #expect(pair.server.error?.alertSent == odd.alert)
            #expect(pair.client.recorder.errors.last?.alertReceived == odd.alert)
            #expect(pair.server.error?.peerCertificate?.subjectDescription == "CN=meter-9")
        }
    }

    /// What `openssl req -x509` makes, with a certificate that says nothing for itself.
    private func selfSigned(key: [String], options: [String]) throws -> (chain: [UInt8], key: [UInt8]) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("self-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try self.run(
            ["req", "-x509", "-nodes", "-keyout", "key", "-out", "certificate", "-subj", "/CN=meter-9"] + key + options,
            in: folder)
        return (
            Array(try Data(contentsOf: folder.appendingPathComponent("certificate"))),
            Array(try Data(contentsOf: folder.appendingPathComponent("key")))
        )
    }

    /// A certificate known by its fingerprint: as openssl makes it, it is let in; what is weak in it never is.
    @Test(arguments: [
        ("plain", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], [], true),
        ("RSA", ["-newkey", "rsa:2048"], [], true),
        ("SHA-1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha1"], false),
        ("RSA of 1024 bits", ["-newkey", "rsa:1024"], [], false),
        ("P-192", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"], [], false),
        (
            "no digitalSignature", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            ["-addext", "keyUsage=critical,keyCertSign"], false
        ),
        (
            "for servers", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            ["-addext", "extendedKeyUsage=serverAuth"], false
        ),
    ])
    func selfSignedCertificates(_ name: String, _ key: [String], _ options: [String], _ isLetIn: Bool) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try self.selfSigned(key: key, options: options)
        let chain = try PeerCertificate.reading(made.chain)
        for verdict in [TLSVerdict.allowed, .allowedDespite([.expired, .untrusted])] {
            let server = try TLSContext(try credentials.serverConfiguration())
            var asked = 0
            let pair = try TLSPair(
                TLSContext(
                    credentials.clientConfiguration(TLSVersion.v1_2.only) {
                        $0.certificateChainPEM = made.chain
                        $0.privateKeyPEM = made.key
                    }),
                server,
                authorize: {
                    asked += 1
                    #expect($0.objections == .untrusted && $0.trustAnchor == nil)
                    return verdict
                })
            try pair.handshake()
            let expected: TLSError.Code? = isLetIn && verdict != .allowed ? nil : .unknownCA
            #expect(pair.server.error?.code == expected, "\(name): \(String(describing: pair.server.error))")
            #expect((pair.server.recorder.completed != nil) == (expected == nil))
            #expect(asked == (isLetIn ? 1 : 0))
            switch server.verify(chain: chain, version: .v1_2, serverName: nil, authorize: { _ in verdict }) {
            case .accepted(let anchor, let despite):
                #expect(expected == nil && anchor == nil && despite == .untrusted)
            case .refused(let error):
                #expect(error.code == expected && error.alertSent == pair.server.error?.alertSent)
            }
        }
    }

    /// Keys as `openssl genpkey` and `openssl pkey` encrypt them, which mbedTLS 2.28 cannot read by itself.
    @Test(arguments: [["-aes-256-cbc"], ["-aes-128-cbc", "-traditional"]])
    func encryptedKeys(_ options: [String]) throws {
        let credentials = try TLSTestCredentials.get()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(credentials.server.privateKeyPEM.utf8).write(to: folder.appendingPathComponent("plain"))
        try self.run(
            ["pkey", "-in", "plain", "-out", "encrypted", "-passout", "pass:secret"] + options, in: folder)
        let encrypted = Array(try Data(contentsOf: folder.appendingPathComponent("encrypted")))
        func codes(_ passphrase: String?) throws -> [String] {
            let configuration = try credentials.serverConfiguration {
                $0.privateKeyPEM = encrypted
                $0.privateKeyPassphrase = passphrase.map { Array($0.utf8) }
            }
            do {
                _ = try TLSContext(configuration)
                return []
            } catch {
                return error.problems.map(\.code.rawValue)
            }
        }
        #expect(try codes("secret").isEmpty)
        #expect(try codes("wrong") == ["pass-phrase-wrong"])
        #expect(try codes(nil) == ["pass-phrase-missing"])
    }
}
