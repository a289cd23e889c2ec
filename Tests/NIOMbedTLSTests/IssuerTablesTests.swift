import CMbedTLS
import FleetPKI
import NIOMbedTLS
import Testing

/// What a server's CAs have signed is checked with tables of their keys' multiples, and nothing else is.
@Suite("issuer tables", .enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"))
struct IssuerTablesTests {
    private let credentials: TLSTestCredentials

    init() throws { credentials = try TLSTestCredentials.get() }

    /// Both ends are on this thread; the client's anchors have no tables.
    private func handshake(
        _ server: TLSConfiguration, _ client: TLSConfiguration
    ) throws -> (error: TLSError.Code?, checks: UInt64) {
        fleetgate_p256_set_thread_override(1)
        fleetgate_remembered_signatures_forget()
        defer {
            fleetgate_remembered_signatures_forget()
            fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH)
        }
        let before = fleetgate_issuer_tables_thread_checks()
        let pair = try TLSPair(client: client, server: server)
        try pair.handshake()
        return (pair.server.error?.code, fleetgate_issuer_tables_thread_checks() - before)
    }

    @Test(arguments: TLSVersion.testable)
    func aServerHasATableForItsAnchor(_ version: TLSVersion) throws {
        let server = try credentials.serverConfiguration(version.only)
        #expect(try handshake(server, credentials.clientConfiguration(version.only)) == (nil, 1))
        let other = try credentials.root.issue(TLSTestCredentials.deviceTemplate())
        #expect(try handshake(server, credentials.clientConfiguration(version.only, other)) == (nil, 1))
    }

    @Test(arguments: TLSVersion.testable)
    func withATableAForgedSignatureIsRefused(_ version: TLSVersion) throws {
        let server = try credentials.serverConfiguration(version.only)
        for distance in [1, 9, 40] {
            var forged = credentials.device.certificateDER
            forged[forged.count - distance] ^= 1
            let client = try credentials.clientConfiguration(version.only) {
                $0.certificateChainPEM = Array(certificatePEM(forged).utf8)
            }
            #expect(try handshake(server, client) == (.badSignature, 1))
        }
    }

    /// Strangers make no tables: neither what they send nor what they sign with gets one.
    @Test(arguments: TLSVersion.testable)
    func aStrangersCAHasNone(_ version: TLSVersion) throws {
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger", maxPathLength: nil)
        let device = try stranger.issue(TLSTestCredentials.deviceTemplate())
        let outcome = try handshake(
            credentials.serverConfiguration(version.only), credentials.clientConfiguration(version.only, device))
        #expect(outcome.error != nil)
        #expect(outcome.checks == 0)
    }

    /// More keys than there is room for: those beyond are checked all the same.
    @Test func anchorsBeyondTheLimit() throws {
        let roots = try (0...Int(FLEETGATE_ISSUER_TABLES_MAX)).map {
            try CertificateAuthority.makeDevelopmentRoot(commonName: "Root \($0)", maxPathLength: nil)
        }
        let server = try credentials.serverConfiguration(TLSVersion.v1_2.only) {
            $0.trustAnchorsPEM = try Array(roots.map { try $0.certificatePEM }.joined().utf8)
        }
        for (root, checks) in [(roots[0], 1), (roots[roots.count - 1], 0)] as [(CertificateAuthority, UInt64)] {
            let device = try root.issue(TLSTestCredentials.deviceTemplate())
            #expect(
                try handshake(server, credentials.clientConfiguration(TLSVersion.v1_2.only, device)) == (nil, checks))
        }
    }
}
