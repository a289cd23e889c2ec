import FleetPKI
import Foundation
import Testing

@testable import NIOMbedTLS

/// The check without a connection, where there is no handshake to compare it with; ``ExcusedChainsTests`` has the rest.
@Suite("chain result")
struct TLSChainResultTests {
    private func code(
        _ chain: [PeerCertificate], _ context: TLSContext,
        _ verdict: TLSVerdict = .allowedDespite([.expired, .untrusted])
    ) -> TLSError.Code? {
        switch context.verify(chain: chain, version: .v1_2, serverName: nil, authorize: { _ in verdict }) {
        case .accepted: nil
        case .refused(let error): error.code
        }
    }

    @Test func chainsThatCannotBePresented() throws {
        let credentials = try TLSTestCredentials.get()
        let context = try TLSContext(try credentials.serverConfiguration())
        let device = try PeerCertificate(parsing: credentials.device.certificateDER)
        let critical = try PeerCertificate(
            parsing: credentials.root.issue(
                TLSTestCredentials.deviceTemplate { $0.additionalExtensions = [.unknownCritical] }
            ).certificateDER)
        #expect(self.code([], context) == .noCertificate)
        #expect(self.code([critical], context) == .unsupportedCriticalExtension)
        #expect(self.code([device, critical], context) == .unsupportedCriticalExtension)
        #expect(self.code([device], context) == nil)
        #expect(self.code([device] + Array(repeating: device, count: 30), context) == nil)
        #expect(self.code([device], try TLSContext(try credentials.clientConfiguration())) == .internalError)
    }

    /// mbedTLS passes over what it has no algorithm for, so nothing is left of this chain.
    @Test func anAlgorithmThatIsNotKnown() throws {
        let credentials = try TLSTestCredentials.get()
        let context = try TLSContext(try credentials.serverConfiguration())
        let other = try CertificateAuthority.selfSigned(TLSTestCredentials.deviceTemplate { $0.keyType = .ed25519 })
        let certificate = try PeerCertificate(parsing: other.certificateDER)
        var wasAsked = false
        let result = context.verify(chain: [certificate], version: .v1_2, serverName: nil) { _ in
            wasAsked = true
            return .allowedDespite([.expired, .untrusted])
        }
        guard case .refused(let error) = result else {
            Issue.record("let in")
            return
        }
        #expect(error.peerCertificate == certificate && !wasAsked)
    }

    @Test(
        arguments: [
            (nil, nil), ("", nil), ("gateway.test", "gateway.test"), ("two words", nil), ("caf\u{E9}", nil),
            (String(repeating: "x", count: 255), String(repeating: "x", count: 255)),
            (String(repeating: "x", count: 256), nil),
        ] as [(String?, String?)])
    func serverNames(_ sent: String?, _ seen: String?) throws {
        let credentials = try TLSTestCredentials.get()
        let context = try TLSContext(try credentials.serverConfiguration())
        let device = try PeerCertificate(parsing: credentials.device.certificateDER)
        var asked: [TLSPeer] = []
        _ = context.verify(chain: [device], version: .v1_3, serverName: sent) {
            asked.append($0)
            return .allowed
        }
        #expect(asked.map(\.serverName) == [seen] && asked.map(\.version) == [.v1_3])
    }

    /// The anchor told is the one that the chain ends in, of several; one context answers any number of times.
    @Test func theAnchorOfSeveral() throws {
        let credentials = try TLSTestCredentials.get()
        let roots = try (1...3).map { try CertificateAuthority.makeDevelopmentRoot(commonName: "Root \($0)") }
        let anchors = try roots.map { try $0.certificatePEM }.joined()
        let context = try TLSContext(
            try credentials.serverConfiguration { $0.trustAnchorsPEM = Array(anchors.utf8) })
        #expect(context.trustAnchors.map(\.subjectDescription) == ["CN=Root 1", "CN=Root 2", "CN=Root 3"])
        for (index, root) in roots.enumerated() {
            let device = try PeerCertificate(
                parsing: try root.issue(TLSTestCredentials.deviceTemplate()).certificateDER)
            let der = try PeerCertificate.reading(Array(try root.certificatePEM.utf8))[0]
            let result = context.verify(chain: [device], version: .v1_2, serverName: nil) { _ in .allowed }
            guard case .accepted(let anchor, despite: []) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(anchor == context.trustAnchors[index])
            #expect(anchor?.sha256Fingerprint == der.sha256Fingerprint && anchor?.subject == der.subject)
        }
    }

    /// A leaf that is itself an anchor is trusted, and its own anchor; the rules for leaves hold for it.
    @Test func aLeafThatIsAnAnchor() throws {
        let credentials = try TLSTestCredentials.get()
        for (isCA, expected) in [(false, TLSError.Code?.none), (true, .leafIsCA)] {
            let device = try CertificateAuthority.selfSigned(
                TLSTestCredentials.deviceTemplate {
                    $0.isCA = isCA
                    $0.keyUsage = isCA ? [.digitalSignature, .keyCertSign] : nil
                })
            let context = try TLSContext(
                try credentials.serverConfiguration { $0.trustAnchorsPEM = Array(device.certificatePEM.utf8) })
            let chain = [try PeerCertificate(parsing: device.certificateDER)]
            #expect(self.code(chain, context) == expected)
            guard !isCA else { continue }
            let result = context.verify(chain: chain, version: .v1_2, serverName: nil) {
                #expect($0.objections.isEmpty)
                return .allowed
            }
            guard case .accepted(let anchor, _) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(anchor?.sha256Fingerprint == chain.first?.sha256Fingerprint)
        }
    }
}
