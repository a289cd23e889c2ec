import FleetPKI
import Foundation
import NIOCore
import NIOMbedTLS
import Testing

/// What a configuration may hold, and how its mistakes are told.
@Suite("TLS configuration")
struct TLSConfigurationTests {
    typealias Code = TLSConfigurationError.Code

    private func codes(_ configuration: TLSConfiguration) -> [Code] {
        do {
            _ = try TLSContext(configuration)
            return []
        } catch {
            return error.problems.map(\.code)
        }
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        let codes: [Code]
        let make: @Sendable (inout TLSConfiguration) -> Void
        var testDescription: String { self.name }

        init(_ name: String, _ codes: [Code], _ make: @escaping @Sendable (inout TLSConfiguration) -> Void) {
            (self.name, self.codes, self.make) = (name, codes, make)
        }
    }

    private static let notPEM = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
    private static let notKey = Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8)

    static let mistakes: [Mistake] = [
        Mistake("no certificate", [.noCertificate]) {
            $0.certificateChainPEM = []
            $0.privateKeyPEM = []
        },
        Mistake("a key without certificate", [.noCertificate]) { $0.certificateChainPEM = [] },
        Mistake("a certificate without key", [.noPrivateKey]) { $0.privateKeyPEM = [] },
        Mistake("a certificate that is none", [.certificateUnparsable]) { $0.certificateChainPEM = Self.notPEM },
        Mistake("a chain with one that is none", [.certificateUnparsable]) { $0.certificateChainPEM += Self.notPEM },
        Mistake("text that is no PEM", [.certificateUnparsable]) { $0.certificateChainPEM = Array("hello".utf8) },
        Mistake("a key that is none", [.keyUnparsable]) { $0.privateKeyPEM = Self.notKey },
        Mistake("a certificate as key", [.keyUnparsable]) { $0.privateKeyPEM = $0.certificateChainPEM },
        Mistake("another's key", [.keyMismatch]) {
            $0.privateKeyPEM = Array(((try? KeyPair.generate())?.pem ?? "").utf8)
        },
        Mistake("an encrypted key that is none", [.keyUnparsable]) {
            $0.privateKeyPEM = Array(
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".utf8)
        },
        Mistake("no trust anchors", [.noTrustAnchors]) { $0.trustAnchorsPEM = [] },
        Mistake("a trust anchor that is none", [.trustAnchorUnparsable]) { $0.trustAnchorsPEM += Self.notPEM },
        Mistake("no cipher suites", [.cipherSuites, .cipherSuites]) {
            $0.versions = .v1_2 ... .v1_2
            $0.cipherSuites = []
        },
        Mistake("no cipher suite for the version", [.cipherSuites, .cipherSuites]) {
            $0.versions = .v1_2 ... .v1_2
            $0.cipherSuites = [.aes128GCM]
        },
        Mistake("no named groups", [.namedGroups]) { $0.namedGroups = [] },
        Mistake("an empty application protocol", [.applicationProtocols]) { $0.applicationProtocols = ["mqtt", ""] },
        Mistake("an application protocol with U+0000", [.applicationProtocols]) {
            $0.applicationProtocols = ["mq\0tt"]
        },
        Mistake("an application protocol of 256 bytes", [.applicationProtocols]) {
            $0.applicationProtocols = [String(repeating: "x", count: 256)]
        },
        Mistake("no time for the handshake", [.limit]) { $0.handshakeTimeout = .zero },
        Mistake("no time for the close", [.limit]) { $0.closeTimeout = .seconds(-1) },
        Mistake("no bytes for the handshake", [.limit]) { $0.limits.handshakeBytesInMax = 10 },
        Mistake("a chain without depth", [.limit]) { $0.limits.chainDepthMax = 0 },
        Mistake("a chain deeper than mbedTLS goes", [.limit]) { $0.limits.chainDepthMax = 10 },
        Mistake("a server that asks for short records", [.wrongRole]) { $0.maximumFragmentLength = .bytes512 },
        Mistake("several at once", [.noTrustAnchors, .limit, .keyUnparsable]) {
            $0.trustAnchorsPEM = []
            $0.handshakeTimeout = .zero
            $0.privateKeyPEM = Self.notKey
        },
    ]

    @Test(arguments: mistakes)
    func mistakesAreTold(_ mistake: Mistake) throws {
        var configuration = try TLSTestCredentials.get().serverConfiguration()
        mistake.make(&configuration)
        #expect(self.codes(configuration) == mistake.codes)
    }

    @Test func version13IsRefusedWhereItIsNotSafe() throws {
        let configuration = try TLSTestCredentials.get().serverConfiguration(TLSVersion.v1_2 ... .v1_3)
        #expect(self.codes(configuration).contains(.versionUnavailable) == !MbedTLSLibrary.supportsTLS13)
    }

    @Test func expiredCertificatesAreWarnedOf() throws {
        let credentials = try TLSTestCredentials.get()
        let expired = try credentials.root.issue(
            CertificateTemplate(
                subject: [("CN", "old")], alternativeNames: [.dns("gateway.test")], purpose: .server,
                notBefore: Date() - 7_200, notAfter: Date() - 3_600))
        let context = try TLSContext(
            try credentials.serverConfiguration {
                $0.certificateChainPEM = Array(expired.chainPEM.utf8)
                $0.privateKeyPEM = Array(expired.privateKeyPEM.utf8)
            })
        #expect(context.warnings.map(\.code) == [.certificateExpired])
        #expect(try TLSContext(try credentials.serverConfiguration()).warnings.isEmpty)
    }

    @Test func encryptedKeys() throws {
        let credentials = try TLSTestCredentials.get()
        let encrypted = try PrivateKeyPEM.encrypt(
            credentials.server.privateKeyPEM, passphrase: "correct horse", iterations: 2_048)
        #expect(encrypted.contains("BEGIN ENCRYPTED PRIVATE KEY"))
        func codes(_ passphrase: String?) throws -> [Code] {
            self.codes(
                try credentials.serverConfiguration {
                    $0.privateKeyPEM = Array(encrypted.utf8)
                    $0.privateKeyPassphrase = passphrase.map { Array($0.utf8) }
                })
        }
        let right = try codes("correct horse")
        #expect(right == [])
        #expect(try codes("wrong") == [.passphraseWrong])
        #expect(try codes("") == [.passphraseWrong])
        #expect(try codes(String(repeating: "x", count: 5_000)) == [.passphraseWrong])
        #expect(try codes(nil) == [.passphraseMissing])
    }

    /// What a peer is offered by default. A change here is a change of what devices can connect.
    @Test func theDefaultCipherSuites() {
        #expect(
            TLSCipherSuite.all.map { "\($0.rawValue) \($0.name)" } == [
                "4865 TLS_AES_128_GCM_SHA256", "4866 TLS_AES_256_GCM_SHA384", "4867 TLS_CHACHA20_POLY1305_SHA256",
                "4868 TLS_AES_128_CCM_SHA256", "4869 TLS_AES_128_CCM_8_SHA256",
                "49195 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "49196 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "52393 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "49199 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "49200 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "52392 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                "49324 TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "49326 TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
            ])
        #expect(TLSCipherSuite(rawValue: 0x002F) == nil)
        #expect(TLSCipherSuite(name: "TLS_AES_128_GCM_SHA256") == .aes128GCM)
    }

    /// The ClientHello says what is really offered, whatever was asked for.
    @Test func whatAClientHelloOffers() throws {
        let credentials = try TLSTestCredentials.get()
        let client = try TLSEnd(
            TLSHandler(
                context: TLSContext(try credentials.clientConfiguration(TLSVersion.v1_2.only)),
                serverName: .verified("gateway.test")))
        try client.activate()
        var hello = try client.takeOutbound()
        // Record header, message header, version and random, then an empty session id.
        hello.moveReaderIndex(forwardBy: 5 + 4 + 2 + 32)
        #expect(hello.readInteger(as: UInt8.self) == 0)
        let length = Int(hello.readInteger(as: UInt16.self) ?? 0)
        let suites = (0..<length / 2).compactMap { _ in hello.readInteger(as: UInt16.self) }
        let emptyRenegotiationInfo: UInt16 = 0x00FF
        #expect(
            suites.filter { $0 != emptyRenegotiationInfo }
                == TLSCipherSuite.all.filter { $0.version == .v1_2 }.map(\.rawValue))
    }

    @Test func theLibrary() throws {
        try MbedTLSLibrary.prepare()
        #expect(MbedTLSLibrary.version.hasPrefix("2.28.") || MbedTLSLibrary.version.hasPrefix("3.6."))
        #expect(MbedTLSLibrary.fastP256 != .disabled)
        #expect(TLSVersion.highestSupported == (MbedTLSLibrary.supportsTLS13 ? .v1_3 : .v1_2))
    }
}
