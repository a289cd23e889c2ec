import FleetPKI
import Foundation
import NIOCore
import NIOEmbedded
import NIOMbedTLS
import Testing

/// Every reason for which a handshake is refused: the code at the server, the alert at the client.
@Suite("refused peers")
struct RefusedPeerTests {
    /// A device that is wrong in one way.
    struct BadDevice: Sendable, CustomTestStringConvertible {
        let name: String
        let code: TLSError.Code
        let alert: TLSAlert
        let make: @Sendable (TLSTestCredentials) throws -> IssuedCertificate
        var testDescription: String { self.name }

        init(
            _ name: String, _ code: TLSError.Code, _ alert: TLSAlert,
            _ make: @escaping @Sendable (TLSTestCredentials) throws -> IssuedCertificate
        ) {
            (self.name, self.code, self.alert, self.make) = (name, code, alert, make)
        }

        init(
            _ name: String, _ code: TLSError.Code, _ alert: TLSAlert,
            changing change: @escaping @Sendable (inout CertificateTemplate) -> Void
        ) {
            self.init(name, code, alert) { credentials in
                try credentials.root.issue(TLSTestCredentials.deviceTemplate(change))
            }
        }
    }

    static let badDevices: [BadDevice] = [
        BadDevice("another CA", .unknownCA, .unknownCA) { _ in
            try CertificateAuthority.makeDevelopmentRoot(commonName: "Other Root")
                .issue(TLSTestCredentials.deviceTemplate())
        },
        BadDevice("another CA of the same name", .unknownCA, .unknownCA) { _ in
            try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root")
                .issue(TLSTestCredentials.deviceTemplate())
        },
        BadDevice("self-signed", .unknownCA, .unknownCA) { _ in
            try CertificateAuthority.selfSigned(TLSTestCredentials.deviceTemplate())
        },
        BadDevice("expired", .expired, .certificateExpired) {
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 3_600
        },
        BadDevice("not yet valid", .notYetValid, .certificateExpired) { $0.notBefore = Date() + 3_600 },
        BadDevice("no digitalSignature", .wrongKeyUsage, .unsupportedCertificate) { $0.keyUsage = [.keyAgreement] },
        BadDevice("a server's certificate", .wrongExtendedKeyUsage, .unsupportedCertificate) { $0.purpose = .server },
        BadDevice("no extended key usage", .wrongExtendedKeyUsage, .unsupportedCertificate) { $0.purpose = .none },
        BadDevice("any extended key usage only", .wrongExtendedKeyUsage, .unsupportedCertificate) {
            $0.purpose = .other(["2.5.29.37.0"])
        },
        BadDevice("a CA", .leafIsCA, .unsupportedCertificate) {
            $0.isCA = true
            $0.keyUsage = [.digitalSignature, .keyCertSign]
        },
        BadDevice("a leaf that may sign certificates", .leafIsCA, .unsupportedCertificate) {
            $0.keyUsage = [.digitalSignature, .keyCertSign]
        },
        BadDevice("serial number 0", .badSerial, .unsupportedCertificate) {
            $0.serialNumber = [0]
            $0.allowsViolations = true
        },
        BadDevice("serial number of 21 octets", .badSerial, .unsupportedCertificate) {
            $0.serialNumber = [UInt8](repeating: 0x11, count: 21)
            $0.allowsViolations = true
        },
    ]

    @Test(arguments: badDevices, TLSVersion.testable)
    func aBadDeviceIsRefused(_ device: BadDevice, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let identity = try device.make(credentials)
        for chunk in [nil, 1] {
            var asked = 0
            let pair = try TLSPair(
                client: credentials.clientConfiguration(version.only, identity),
                server: credentials.serverConfiguration(),
                authorize: { _ in
                    asked += 1
                    return .allowed
                })
            try pair.handshake(chunk: chunk)
            let error = try #require(pair.server.error)
            #expect(error.code == device.code, "\(error)")
            #expect(error.fault == .peer)
            #expect(error.peerCertificate?.der == identity.certificateDER)
            #expect(error.alertSent == device.alert)
            #expect(pair.client.recorder.errors.last?.code == .peerAlert)
            #expect(pair.client.recorder.errors.last?.alertReceived == device.alert)
            #expect(asked == (device.code == .unknownCA || device.code == .expired ? 1 : 0), "only what is excusable")
            #expect(pair.server.recorder.completed == nil)
            #expect(pair.server.recorder.errors.count == 1)
            #expect(!pair.server.isOpen && !pair.client.isOpen)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func aCertificateThatWasTamperedWith(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        var der = credentials.device.certificateDER
        der[der.count - 1] ^= 1
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) {
                $0.certificateChainPEM = Array(certificatePEM(der).utf8)
            },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.server.error?.code == .badSignature)
        #expect(pair.server.error?.peerCertificate?.subject.last == [NameAttribute(oid: "2.5.4.3", value: "meter-17")])
        #expect(pair.client.recorder.errors.last?.alertReceived == .unknownCA)
    }

    @Test(arguments: TLSVersion.testable)
    func aClientWithoutACertificate(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) {
                $0.certificateChainPEM = []
                $0.privateKeyPEM = []
            },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.server.error?.code == .noCertificate)
        #expect(pair.server.error?.peerCertificate == nil)
        #expect(pair.server.error?.alertSent != nil)
        #expect(pair.client.recorder.errors.last?.code == .peerAlert)
    }

    @Test(arguments: TLSDenialAlert.allCases, TLSVersion.testable)
    func aDeviceThatTheAuthorizationRefuses(_ alert: TLSDenialAlert, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only), server: credentials.serverConfiguration(),
            authorize: { _ in .denied(code: "no-profile", alert: alert) })
        try pair.handshake()
        let error = try #require(pair.server.error)
        #expect(error.code == (alert == .certificateRevoked ? .revoked : .accessDenied))
        #expect(error.deniedCode == "no-profile")
        let expected: TLSAlert =
            switch alert {
            case .accessDenied: .accessDenied
            case .certificateRevoked: .certificateRevoked
            case .certificateUnknown: .certificateUnknown
            case .certificateExpired: .certificateExpired
            }
        #expect(error.alertSent == expected)
        #expect(pair.client.recorder.errors.last?.alertReceived == expected)
        #expect(error.peerCertificate?.der == credentials.device.certificateDER)
    }

    @Test(arguments: TLSVersion.testable)
    func anEd25519Certificate(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let other = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.keyType = .ed25519 })
        // mbedTLS cannot even read it as the client's own.
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(try credentials.clientConfiguration(version.only, other))
        }
    }

    @Test(arguments: TLSVersion.testable)
    func chainsThatAreTooLong(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        var authority = credentials.root
        for depth in 1...10 {
            authority = try authority.makeIntermediate(commonName: "CA \(depth)", maxPathLength: nil)
            guard depth == 1 || depth == 10 else { continue }
            let device = try authority.issue(TLSTestCredentials.deviceTemplate())
            let pair = try TLSPair(
                client: credentials.clientConfiguration(version.only, device),
                server: credentials.serverConfiguration { $0.limits.chainDepthMax = 1 })
            try pair.handshake()
            // The longer one is beyond what mbedTLS itself can hold.
            #expect(pair.server.error?.code == .chainTooLong, "\(depth)")
            #expect(pair.server.error?.peerCertificate?.der == device.certificateDER, "\(depth)")
        }
    }

    @Test func aPathLongerThanTheAnchorAllows() throws {
        let credentials = try TLSTestCredentials.get()
        let root = try CertificateAuthority.makeDevelopmentRoot(maxPathLength: 0)
        let middle = try root.issue(
            CertificateTemplate(
                subject: [("CN", "middle")], purpose: .none, isCA: true, allowsViolations: true))
        let issuing = try CertificateAuthority(
            certificatePEM: middle.certificatePEM, privateKeyPEM: middle.privateKeyPEM)
        let device = try issuing.issue(TLSTestCredentials.deviceTemplate())
        let anchor = Array(try root.certificatePEM.utf8)
        let chain = Array((device.certificatePEM + middle.certificatePEM).utf8)
        let pair = try TLSPair(
            client: credentials.clientConfiguration(TLSVersion.v1_2.only, device) { $0.certificateChainPEM = chain },
            server: credentials.serverConfiguration { $0.trustAnchorsPEM = anchor })
        try pair.handshake()
        #expect(pair.server.error?.code == .chainTooLong)
    }

    @Test(arguments: TLSVersion.testable)
    func anUnknownCriticalExtension(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(
            TLSTestCredentials.deviceTemplate { $0.additionalExtensions = [.unknownCritical] })
        // The client could not read it either, so it is put where an intermediate would be.
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(try credentials.clientConfiguration(version.only, device))
        }
    }

    @Test func aKeyOnACurveThatIsNotOffered() throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(TLSTestCredentials.deviceTemplate { $0.keyType = .p384 })
        let pair = try TLSPair(
            client: credentials.clientConfiguration(TLSVersion.v1_2.only, device),
            server: credentials.serverConfiguration { $0.namedGroups = [.secp256r1] })
        try pair.handshake()
        #expect(pair.server.error?.code == .weakKey)
        #expect(pair.server.error?.peerCertificate?.der == device.certificateDER)
    }

    @Test func theLeafPolicyCanBeSwitchedOff() throws {
        let credentials = try TLSTestCredentials.get()
        let device = try credentials.root.issue(
            TLSTestCredentials.deviceTemplate {
                $0.isCA = true
                $0.keyUsage = [.digitalSignature, .keyCertSign]
                $0.purpose = .none
                $0.serialNumber = [0]
                $0.allowsViolations = true
            })
        let pair = try TLSPair(
            client: credentials.clientConfiguration(TLSVersion.v1_2.only, device),
            server: credentials.serverConfiguration {
                $0.leafPolicy.refusesCertificateAuthorities = false
                $0.leafPolicy.refusesBadSerialNumbers = false
                $0.requiresClientAuthExtendedKeyUsage = false
            })
        try pair.handshake()
        #expect(pair.server.recorder.completed != nil)
    }

    // MARK: Nothing in common

    @Test(arguments: TLSVersion.testable)
    func noCipherSuiteInCommon(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let suites: (TLSCipherSuite, TLSCipherSuite) =
            version == .v1_2 ? (.ecdheECDSAWithAES128GCM, .ecdheECDSAWithAES256GCM) : (.aes128GCM, .aes256GCM)
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) { $0.cipherSuites = [suites.0] },
            server: credentials.serverConfiguration(version.only) { $0.cipherSuites = [suites.1] })
        try pair.handshake()
        #expect(pair.server.error?.code == .noSharedCipher)
        #expect(pair.client.recorder.errors.last?.alertReceived == .handshakeFailure)
    }

    @Test(arguments: TLSVersion.testable)
    func noApplicationProtocolInCommon(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) { $0.applicationProtocols = ["h2"] },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.server.error?.code == .noSharedALPN)
        #expect(pair.client.recorder.errors.last?.alertReceived == .noApplicationProtocol)
    }

    @Test(arguments: TLSVersion.testable)
    func aClientWithoutApplicationProtocolsIsLetIn(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) { $0.applicationProtocols = [] },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.server.recorder.completed != nil)
        #expect(pair.server.recorder.completed?.applicationProtocol == nil)
    }

    @Test(.enabled(if: MbedTLSLibrary.supportsTLS13, "two versions are needed; this mbedTLS has TLS 1.2 only"))
    func noVersionInCommon() throws {
        let credentials = try TLSTestCredentials.get()
        let pair = try TLSPair(
            client: credentials.clientConfiguration(TLSVersion.v1_2.only),
            server: credentials.serverConfiguration(TLSVersion.v1_3.only))
        try pair.handshake()
        #expect(pair.server.error?.code == .noSharedVersion)
        #expect(pair.client.recorder.errors.last?.alertReceived == .protocolVersion)
    }

    // MARK: Refused by the client

    @Test(arguments: TLSVersion.testable)
    func aServerOfAnotherCA(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other")
        let pair = try TLSPair(
            client: credentials.clientConfiguration(version.only) {
                $0.trustAnchorsPEM = Array((try? other.certificatePEM)?.utf8 ?? "".utf8)
            },
            server: credentials.serverConfiguration())
        try pair.handshake()
        #expect(pair.client.error?.code == .unknownCA)
        #expect(pair.client.error?.peerCertificate?.der == credentials.server.certificateDER)
        #expect(pair.server.error?.code == .peerAlert)
        #expect(pair.server.error?.alertReceived == .unknownCA)
        #expect(pair.server.error?.fault == .peer)
    }
}
