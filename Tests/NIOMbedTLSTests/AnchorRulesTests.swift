import FleetPKI
import Foundation
import NIOCore
import Testing

@testable import NIOMbedTLS

/// Rules for single anchors, the allowance for clocks, and intermediates that clients need not send.
@Suite("anchor rules")
struct AnchorRulesTests {
    private func certificate(_ authority: CertificateAuthority) throws -> PeerCertificate {
        try PeerCertificate.reading(Array(try authority.certificatePEM.utf8))[0]
    }

    private func shakeHands(
        _ device: IssuedCertificate, sending chain: String? = nil, _ version: TLSVersion,
        authorize: @escaping TLSAuthorize = { _ in .allowed },
        _ change: (inout TLSConfiguration) throws -> Void
    ) throws -> TLSPair {
        let credentials = try TLSTestCredentials.get()
        var server = try credentials.serverConfiguration()
        try change(&server)
        let pair = try TLSPair(
            TLSContext(
                try credentials.clientConfiguration(version.only, device) {
                    if let chain { $0.certificateChainPEM = Array(chain.utf8) }
                }), TLSContext(server), authorize: authorize)
        try pair.handshake()
        let result = try TLSContext(server).verify(
            chain: PeerCertificate.reading(Array((chain ?? device.chainPEM).utf8)), version: version,
            serverName: nil, authorize: authorize)
        switch result {
        case .accepted: #expect(pair.server.recorder.completed != nil)
        case .refused(let error): #expect(error.code == pair.server.error?.code, "\(error)")
        }
        return pair
    }

    // MARK: Rules

    @Test(arguments: TLSVersion.testable)
    func holdForTheirAnchorOnly(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other", maxPathLength: nil)
        let strict = try self.certificate(credentials.root).sha256Fingerprint
        let cases: [(TLSAnchorRules, CertificateTemplate, TLSError.Code?)] = [
            (.init(), TLSTestCredentials.deviceTemplate(), nil),
            (.init(curveBitsMin: 384), TLSTestCredentials.deviceTemplate(), .weakKey),
            (.init(curveBitsMin: 384), TLSTestCredentials.deviceTemplate { $0.keyType = .p384 }, nil),
            (.init(rsaBitsMin: 3072), TLSTestCredentials.deviceTemplate { $0.keyType = .rsa2048 }, .weakKey),
            (.init(rsaBitsMin: 2048), TLSTestCredentials.deviceTemplate { $0.keyType = .rsa2048 }, nil),
            (.init(signatureDigests: [.sha512]), TLSTestCredentials.deviceTemplate(), .weakSignature),
            (
                .init(requiresClientAuthExtendedKeyUsage: false),
                TLSTestCredentials.deviceTemplate { $0.purpose = .none }, nil
            ),
            (
                .init(requiresClientAuthExtendedKeyUsage: false),
                TLSTestCredentials.deviceTemplate { $0.purpose = .server }, .wrongExtendedKeyUsage
            ),
        ]
        for (rules, template, code) in cases {
            func change(_ server: inout TLSConfiguration) throws {
                server.trustAnchorsPEM += Array(try other.certificatePEM.utf8)
                server.anchorRules = [strict: rules]
                server.cipherSuites = TLSCipherSuite.all
            }
            let pair = try self.shakeHands(credentials.root.issue(template), version, change)
            #expect(pair.server.error?.code == code, "\(rules)")
            if code != nil {
                #expect(pair.client.recorder.errors.last?.alertReceived == .unsupportedCertificate)
            }
            let elsewhere = try self.shakeHands(other.issue(template), version, change)
            #expect((elsewhere.server.error == nil) == (template.purpose == .client))
        }
    }

    @Test(arguments: TLSVersion.testable)
    func boundTheDepth(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let anchor = try self.certificate(credentials.root).sha256Fingerprint
        let device = try credentials.root.makeIntermediate().issue(TLSTestCredentials.deviceTemplate())
        for (depth, code) in [(2, TLSError.Code?.none), (1, .chainTooLong)] {
            let pair = try self.shakeHands(device, version) {
                $0.anchorRules = [anchor: TLSAnchorRules(chainDepthMax: depth)]
            }
            #expect(pair.server.error?.code == code)
        }
    }

    @Test(arguments: [
        TLSAnchorRules(rsaBitsMin: 1024), .init(curveBitsMin: 192), .init(signatureDigests: []),
        .init(chainDepthMax: 0), .init(chainDepthMax: 10),
    ])
    func thatCannotHoldAreRefused(_ rules: TLSAnchorRules) throws {
        let configuration = try TLSTestCredentials.get().serverConfiguration {
            $0.anchorRules = [[UInt8](repeating: 0, count: 32): rules]
        }
        #expect(throws: TLSConfigurationError.self) { try TLSContext(configuration) }
    }

    // MARK: Clocks

    @Test(arguments: TLSVersion.testable)
    func clocksMayDifferAsFarAsConfigured(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let expired: (inout CertificateTemplate) -> Void = {
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 600
        }
        let early: (inout CertificateTemplate) -> Void = { $0.notBefore = Date() + 600 }
        for (change, code) in [(expired, TLSError.Code.expired), (early, .notYetValid)] {
            let middle = try BadChainTests.authority(below: credentials.root, change)
            let anchor = try BadChainTests.authority("anchor", below: nil, change)
            let leafs: [(IssuedCertificate, String, [UInt8]?)] = [
                (try BadChainTests.device(of: credentials.root, change), "", nil),
                (try BadChainTests.device(of: middle.ca), certificatePEM(middle.der), nil),
                (try BadChainTests.device(of: anchor.ca), "", anchor.der),
            ]
            for (device, above, anchor) in leafs {
                for (skew, isEnough) in [(0, false), (500, false), (700, true), (86_400, true)] {
                    let pair = try self.shakeHands(device, sending: device.certificatePEM + above, version) {
                        $0.clockSkew = .seconds(Int64(skew))
                        if let anchor { $0.trustAnchorsPEM = Array(certificatePEM(anchor).utf8) }
                    }
                    #expect(pair.server.error?.code == (isEnough ? nil : code), "\(skew)")
                    if !isEnough {
                        #expect(pair.client.recorder.errors.last?.alertReceived == .certificateExpired)
                    }
                }
            }
        }
        for skew in [TimeAmount.seconds(-1), .hours(25)] {
            #expect(throws: TLSConfigurationError.self) {
                try TLSContext(try credentials.serverConfiguration { $0.clockSkew = skew })
            }
        }
    }

    // MARK: Intermediates

    /// root > upper > lower > device, of which the client sends what it likes.
    @Test(arguments: TLSVersion.testable)
    func intermediatesNeedNotBeSent(_ version: TLSVersion) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Top", maxPathLength: 2)
        let upper = try root.makeIntermediate(commonName: "Upper", maxPathLength: 1)
        let lower = try upper.makeIntermediate(commonName: "Lower", maxPathLength: 0)
        let device = try lower.issue(TLSTestCredentials.deviceTemplate())
        let (lowerPEM, upperPEM) = (try lower.certificatePEM, try upper.certificatePEM)
        let all = try [lower, upper, root].map { try self.certificate($0) }
        for configured in [lowerPEM + upperPEM, upperPEM + lowerPEM, upperPEM] {
            for sent in ["", lowerPEM, lowerPEM + upperPEM, upperPEM] {
                var chain: [TLSChainLink]?
                let pair = try self.shakeHands(
                    device, sending: device.certificatePEM + sent, version,
                    authorize: { peer in
                        chain = peer.chain
                        return .allowed
                    },
                    {
                        $0.trustAnchorsPEM = Array(try root.certificatePEM.utf8)
                        $0.intermediatesPEM = Array(configured.utf8)
                    })
                let hasLower = configured.contains(lowerPEM) || sent.contains(lowerPEM)
                #expect((pair.server.error?.code == .unknownCA) == !hasLower)
                guard hasLower else { continue }
                #expect(pair.server.error == nil, "\(String(describing: pair.server.error))")
                #expect(chain?.map(\.issuerID) == all.map(\.authorityID))
                #expect(chain?.dropFirst().map(\.serialNumber) == all.dropLast().map(\.serialNumber))
                #expect(chain?.map(\.issuer) == all)
            }
        }
        let context = try TLSContext(
            try TLSTestCredentials.get().serverConfiguration {
                $0.trustAnchorsPEM = Array(try root.certificatePEM.utf8)
                $0.intermediatesPEM = Array((lowerPEM + upperPEM).utf8)
            })
        #expect(context.authorities == [all[2], all[0], all[1]] && context.trustAnchors.count == 1)
    }

    @Test(arguments: TLSVersion.testable)
    func theWholeChainCountsForAConfiguredIntermediate(_ version: TLSVersion) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Top", maxPathLength: nil)
        let upper = try root.makeIntermediate(commonName: "Upper", maxPathLength: nil)
        let lower = try upper.makeIntermediate(commonName: "Lower", maxPathLength: nil)
        let device = try lower.issue(TLSTestCredentials.deviceTemplate())
        let intermediates = Array((try lower.certificatePEM + upper.certificatePEM).utf8)
        let anchor = try self.certificate(root).sha256Fingerprint
        for (rules, code) in [
            (TLSAnchorRules(chainDepthMax: 3), TLSError.Code?.none), (.init(chainDepthMax: 2), .chainTooLong),
            (.init(signatureDigests: [.sha384]), .weakSignature),
        ] {
            let pair = try self.shakeHands(device, sending: device.certificatePEM, version) {
                $0.trustAnchorsPEM = Array(try root.certificatePEM.utf8)
                $0.intermediatesPEM = intermediates
                $0.anchorRules = [anchor: rules]
            }
            #expect(pair.server.error?.code == code)
        }
    }

    /// The path length of what is above the configured intermediate, for an intermediate that a client sends below it.
    @Test(arguments: TLSVersion.testable)
    func pathLengthsAboveAConfiguredIntermediateHold(_ version: TLSVersion) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Top", maxPathLength: 1)
        let middle = try root.makeIntermediate(commonName: "Middle", maxPathLength: nil)
        let below = try BadChainTests.authority("below", below: middle)
        let device = try BadChainTests.device(of: below.ca)
        let pair = try self.shakeHands(device, sending: device.certificatePEM + certificatePEM(below.der), version) {
            $0.trustAnchorsPEM = Array(try root.certificatePEM.utf8)
            $0.intermediatesPEM = Array(try middle.certificatePEM.utf8)
        }
        #expect(pair.server.error?.code == .chainTooLong)
        #expect(pair.client.recorder.errors.last?.alertReceived == .unknownCA)
    }

    /// What is above expires while the context lives: its clock is moved, mbedTLS's is not.
    @Test(arguments: TLSVersion.testable)
    func datesAboveAConfiguredIntermediateHold(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Top", maxPathLength: nil)
        let upper = try root.makeIntermediate(commonName: "Upper", validity: 600, maxPathLength: nil)
        let lower = try BadChainTests.authority("Lower", below: upper) { $0.notAfter = Date() + 86_400 }
        let device = try BadChainTests.device(of: lower.ca) { $0.notAfter = Date() + 86_400 }
        let clock = TestClock()
        let server = try TLSContext(
            try credentials.serverConfiguration {
                $0.trustAnchorsPEM = Array(try root.certificatePEM.utf8)
                $0.intermediatesPEM = Array((certificatePEM(lower.der) + (try upper.certificatePEM)).utf8)
            }, sharing: nil, now: { clock.now })
        let client = try TLSContext(try credentials.clientConfiguration(version.only, device))
        let good = try TLSPair(client, server)
        try good.handshake()
        #expect(good.server.error == nil)
        clock.advance(by: 700)
        let late = try TLSPair(client, server)
        try late.handshake()
        #expect(late.server.error?.code == .expired)
        #expect(late.client.recorder.errors.last?.alertReceived == .certificateExpired)
    }

    /// A client that sends a renewed intermediate must not be held to the old one.
    @Test(arguments: TLSVersion.testable)
    func anIntermediateThatHasExpiredIsNotUsed(_ version: TLSVersion) throws {
        let credentials = try TLSTestCredentials.get()
        let old = try BadChainTests.authority(below: credentials.root) {
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 3_600
        }
        let renewed = try credentials.root.issue(
            CertificateTemplate(subject: [("CN", "middle")], purpose: .none, isCA: true), for: old.ca.key.publicKey)
        let device = try BadChainTests.device(of: old.ca) { $0.notAfter = Date() + 86_400 }
        let configuration: (inout TLSConfiguration) -> Void = {
            $0.intermediatesPEM = Array(certificatePEM(old.der).utf8)
        }
        let sending = try self.shakeHands(
            device, sending: device.certificatePEM + renewed.certificatePEM, version, configuration)
        #expect(sending.server.error == nil, "\(String(describing: sending.server.error))")
        let alone = try self.shakeHands(device, sending: device.certificatePEM, version, configuration)
        #expect(alone.server.error?.code == .unknownCA)
        var server = try credentials.serverConfiguration()
        configuration(&server)
        #expect(try TLSContext(server).warnings.map(\.code) == [.intermediateExpired])
    }

    @Test func intermediatesThatLeadNowhereAreRefused() throws {
        let credentials = try TLSTestCredentials.get()
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger", maxPathLength: nil)
        let orphan = try BadChainTests.authority(below: stranger).der
        let leaf = credentials.device.certificateDER
        var forged = try BadChainTests.authority(below: credentials.root).der
        forged[forged.count - 1] ^= 1
        let narrow = try BadChainTests.authority("narrow", below: credentials.root) { $0.maxPathLength = 0 }
        let tooDeep = try BadChainTests.authority("deep", below: narrow.ca).der
        let constrained = try BadChainTests.authority("constrained", below: credentials.root) {
            $0.additionalExtensions = [BadChainTests.nameConstraints(isCritical: false)]
        }
        let constrainedBelow = try BadChainTests.authority("below", below: constrained.ca).der
        for ders in [
            [orphan], [leaf], [forged], [tooDeep, narrow.der], [[0x30, 0x03, 1, 2, 3]], [constrained.der],
            [constrainedBelow, constrained.der],
        ] {
            do throws(TLSConfigurationError) {
                _ = try TLSContext(
                    credentials.serverConfigurationOrFail {
                        $0.intermediatesPEM = Array(ders.map(certificatePEM).joined().utf8)
                    })
                Issue.record("accepted")
            } catch {
                #expect(error.problems.map(\.code) == [.intermediateUnusable], "\(error)")
            }
        }
        #expect(throws: TLSConfigurationError.self) {
            try TLSContext(
                try credentials.clientConfiguration {
                    $0.intermediatesPEM = Array(certificatePEM(narrow.der).utf8)
                })
        }
    }
}

extension TLSTestCredentials {
    /// For typed throws; its own PEM can always be made.
    fileprivate func serverConfigurationOrFail(_ change: (inout TLSConfiguration) -> Void) -> TLSConfiguration {
        guard let configuration = try? self.serverConfiguration(.v1_2...TLSVersion.highestSupported, change) else {
            preconditionFailure("no PEM")
        }
        return configuration
    }
}
