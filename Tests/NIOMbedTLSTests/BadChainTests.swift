import FleetPKI
import Foundation
import Testing

@testable import NIOMbedTLS

/// Chains that are wrong above the leaf, or that mbedTLS cannot read: the code at the server, the alert at the client.
/// Those with a wrong leaf are in ``RefusedPeerTests``, those of odd keys and digests in ``ForeignCertificateTests``.
@Suite("bad chains")
struct BadChainTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: TLSError.Code
        let alert: TLSAlert
        /// When it is another one there.
        let alertInTLS13: TLSAlert?
        let make: @Sendable (TLSTestCredentials) throws -> Made

        init(
            _ name: String, _ code: TLSError.Code, _ alert: TLSAlert, inTLS13 alertInTLS13: TLSAlert? = nil,
            _ make: @escaping @Sendable (TLSTestCredentials) throws -> Made
        ) {
            (self.testDescription, self.code, self.make) = (name, code, make)
            (self.alert, self.alertInTLS13) = (alert, alertInTLS13)
        }
    }

    struct Made {
        var chain: [[UInt8]]
        /// Instead of the common root.
        var anchors: [[UInt8]]?
        /// The client cannot read its own chain, or has not got the key.
        var isRaw = false
        var key: KeyPair?

        init(_ leaf: IssuedCertificate, _ above: [[UInt8]] = [], anchors: [[UInt8]]? = nil, isRaw: Bool = false) {
            self.chain = [leaf.certificateDER] + above
            self.key = leaf.key
            self.anchors = anchors
            self.isRaw = isRaw
        }
    }

    static func authority(
        _ name: String = "middle", below issuer: CertificateAuthority?,
        _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> (ca: CertificateAuthority, der: [UInt8]) {
        var template = CertificateTemplate(
            subject: [("CN", name)], purpose: .none, isCA: true, allowsViolations: true)
        change(&template)
        let issued = try issuer?.issue(template) ?? CertificateAuthority.selfSigned(template)
        return (
            try CertificateAuthority(uncheckedCertificate: issued.certificate, key: issued.key), issued.certificateDER
        )
    }

    static func device(
        of issuer: CertificateAuthority, _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> IssuedCertificate {
        try issuer.issue(
            TLSTestCredentials.deviceTemplate {
                $0.allowsViolations = true
                change(&$0)
            })
    }

    static func below(
        _ name: String, _ code: TLSError.Code, _ alert: TLSAlert,
        intermediate change:
            @escaping @Sendable (
                inout CertificateTemplate
            ) -> Void
    ) -> Case {
        Case(name, code, alert) {
            let middle = try Self.authority(below: $0.root, change)
            return Made(try Self.device(of: middle.ca), [middle.der])
        }
    }

    static func nameConstraints(isCritical: Bool) -> CertificateTemplate.RawExtension {
        CertificateTemplate.RawExtension(
            // permittedSubtrees: dNSName example
            oid: "2.5.29.30", critical: isCritical,
            value: [0x30, 0x0D, 0xA0, 0x0B, 0x30, 0x09, 0x82, 0x07] + Array("example".utf8))
    }

    static let cases: [Case] = [
        Self.below("an intermediate that has expired", .expired, .certificateExpired) {
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 3_600
        },
        Self.below("an intermediate that is not valid yet", .notYetValid, .certificateExpired) {
            $0.notBefore = Date() + 3_600
        },
        Self.below("an intermediate that is no CA", .unknownCA, .unknownCA) { $0.isCA = false },
        Self.below("an intermediate that may not sign certificates", .unknownCA, .unknownCA) {
            $0.keyUsage = [.digitalSignature, .crlSign]
        },
        Case("a trust anchor that has expired", .expired, .certificateExpired) { _ in
            let anchor = try Self.authority("anchor", below: nil) {
                $0.notBefore = Date() - 7_200
                $0.notAfter = Date() - 3_600
            }
            return Made(try Self.device(of: anchor.ca), anchors: [anchor.der])
        },
        Case("a trust anchor that is not valid yet", .notYetValid, .certificateExpired) { _ in
            let anchor = try Self.authority("anchor", below: nil) { $0.notBefore = Date() + 3_600 }
            return Made(try Self.device(of: anchor.ca), anchors: [anchor.der])
        },
        Case("the intermediate not sent", .unknownCA, .unknownCA) {
            Made(try Self.device(of: try Self.authority(below: $0.root).ca))
        },
        Case("the anchor of another listener", .unknownCA, .unknownCA) {
            Made(try Self.device(of: $0.root), anchors: [try Self.authority("elsewhere", below: nil).der])
        },
        Case("a namesake of the intermediate", .badSignature, .unknownCA) {
            let middle = try Self.authority(below: $0.root)
            let key = CertificateTemplate.RawExtension(
                oid: "2.5.29.14", critical: false, value: [0x04, 0x02, 0x01, 0x02])
            let real = try Self.authority("twin", below: $0.root) { $0.additionalExtensions = [key] }
            let twin = try Self.authority("twin", below: middle.ca) { $0.additionalExtensions = [key] }
            return Made(try Self.device(of: twin.ca), [real.der])
        },
        Case("the path length of an intermediate", .unknownCA, .unknownCA) {
            let upper = try Self.authority("upper", below: $0.root) { $0.maxPathLength = 0 }
            let lower = try Self.authority("lower", below: upper.ca)
            return Made(try Self.device(of: lower.ca), [lower.der, upper.der])
        },
        Case("the path length of the anchor", .chainTooLong, .unknownCA) { _ in
            let anchor = try Self.authority("anchor", below: nil) { $0.maxPathLength = 0 }
            let middle = try Self.authority(below: anchor.ca)
            return Made(try Self.device(of: middle.ca), [middle.der], anchors: [anchor.der])
        },
        Case("the trust anchor itself", .leafIsCA, .unsupportedCertificate) { _ in
            let anchor = try CertificateAuthority.selfSigned(
                TLSTestCredentials.deviceTemplate {
                    $0.isCA = true
                    $0.keyUsage = [.digitalSignature, .keyCertSign]
                })
            return Made(anchor, anchors: [anchor.certificateDER])
        },
        Case("an intermediate as the leaf", .leafIsCA, .unsupportedCertificate) {
            Made(
                try Self.device(of: $0.root) {
                    $0.isCA = true
                    $0.keyUsage = [.digitalSignature, .keyCertSign]
                })
        },
        Case("critical name constraints", .unsupportedCriticalExtension, .badCertificate) {
            let middle = try Self.authority(below: $0.root) {
                $0.additionalExtensions = [Self.nameConstraints(isCritical: true)]
            }
            return Made(try Self.device(of: middle.ca), [middle.der], isRaw: true)
        },
        Self.below("name constraints that are not critical", .unsupportedNameConstraints, .badCertificate) {
            $0.additionalExtensions = [Self.nameConstraints(isCritical: false)]
        },
        Case("name constraints above an intermediate", .unsupportedNameConstraints, .badCertificate) {
            let upper = try Self.authority("upper", below: $0.root) {
                $0.additionalExtensions = [Self.nameConstraints(isCritical: false)]
            }
            let lower = try Self.authority("lower", below: upper.ca)
            return Made(try Self.device(of: lower.ca), [lower.der, upper.der])
        },
        Case("an unknown critical extension", .unsupportedCriticalExtension, .badCertificate) {
            Made(try Self.device(of: $0.root) { $0.additionalExtensions = [.unknownCritical] }, isRaw: true)
        },
        Case("an Ed25519 key", .unsupportedKey, .badCertificate) {
            Made(try Self.device(of: $0.root) { $0.keyType = .ed25519 }, isRaw: true)
        },
        Case("signed with Ed25519", .unsupportedSignature, .unsupportedCertificate) { _ in
            let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Edwards", keyType: .ed25519)
            return Made(try Self.device(of: root), isRaw: true)
        },
        Case(
            "an intermediate signed with Ed25519", .unsupportedSignature, .unknownCA, inTLS13: .unsupportedCertificate
        ) { _ in
            let root = try CertificateAuthority.makeDevelopmentRoot(
                commonName: "Edwards", keyType: .ed25519, maxPathLength: nil)
            let middle = try Self.authority(below: root)
            return Made(try Self.device(of: middle.ca), [middle.der], isRaw: true)
        },
        Case("no certificate but bytes", .certificateUnparsable, .badCertificate) {
            var made = Made(try Self.device(of: $0.root), isRaw: true)
            made.chain[0].replaceSubrange(8..<200, with: [UInt8](repeating: 0x30, count: 192))
            return made
        },
    ]

    @Test(arguments: cases, TLSVersion.testable)
    func isRefused(_ wrong: Case, _ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let made = try wrong.make(credentials)
        let server = try TLSContext(
            try credentials.serverConfiguration {
                if let anchors = made.anchors {
                    $0.trustAnchorsPEM = Array(anchors.map(certificatePEM).joined().utf8)
                }
            })
        let raw = made.isRaw ? try RawPresentation(made.chain, version) : nil
        let client =
            try raw?.context
            ?? TLSContext(
                try credentials.clientConfiguration(version.only) {
                    $0.certificateChainPEM = Array(made.chain.map(certificatePEM).joined().utf8)
                    $0.privateKeyPEM = Array((made.key?.pem ?? "").utf8)
                })
        let alert = version == .v1_3 ? wrong.alertInTLS13 ?? wrong.alert : wrong.alert
        try withExtendedLifetime(raw) {
            let pair = try TLSPair(client, server)
            try pair.handshake()
            let error = try #require(pair.server.error)
            #expect(error.code == wrong.code, "\(error)")
            #expect(error.fault == .peer && error.alertSent == alert, "\(error)")
            #expect(pair.client.recorder.errors.last?.alertReceived == alert)
            #expect(pair.server.recorder.completed == nil && pair.server.recorder.errors.count == 1)
            #expect(!pair.server.isOpen && !pair.client.isOpen)
            #expect(error.clientHello?.serverName == "gateway.test")
            guard wrong.code != .certificateUnparsable else { return }
            #expect(error.peerCertificate?.der == made.chain[0])
            #expect(error.presentedIssuers.map(\.der) == Array(made.chain.dropFirst()))

            // Without a connection it is the same, but for what only a handshake's message sends.
            let chain = try made.chain.map { try PeerCertificate(parsing: $0) }
            guard
                case .refused(let checked) = server.verify(
                    chain: chain, version: version, serverName: nil, authorize: { _ in .allowed })
            else {
                Issue.record("accepted")
                return
            }
            #expect(checked.code == wrong.code, "\(checked)")
        }
    }
}
