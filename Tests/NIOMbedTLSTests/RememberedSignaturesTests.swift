import CMbedTLS
import FleetPKI
import Foundation
import NIOMbedTLS
import Testing

/// A signature of a chain is computed once; everything else about the chain is judged each time.
@Suite("remembered signatures", .enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"))
struct RememberedSignaturesTests {
    private let credentials: TLSTestCredentials

    init() throws { credentials = try TLSTestCredentials.get() }

    /// On one thread, which remembers nothing at first, and with the switch on whatever other tests do with it.
    private func accelerated(_ body: () throws -> Void) rethrows {
        fleetgate_p256_set_thread_override(1)
        fleetgate_remembered_signatures_forget()
        defer {
            fleetgate_remembered_signatures_forget()
            fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH)
        }
        try body()
    }

    /// Both ends are on this thread: each checks one signature of the other's chain.
    private func handshake(
        _ server: TLSConfiguration, _ client: TLSConfiguration
    ) throws -> (error: TLSError.Code?, hits: UInt64, new: UInt64) {
        let hits = fleetgate_remembered_signatures_thread_hits()
        let count = fleetgate_remembered_signatures_thread_count()
        let pair = try TLSPair(client: client, server: server)
        try pair.handshake()
        return (
            pair.server.error?.code, fleetgate_remembered_signatures_thread_hits() - hits,
            fleetgate_remembered_signatures_thread_count() - count
        )
    }

    @Test(arguments: TLSVersion.testable)
    func theSecondTimeNothingOfTheChainIsComputed(_ version: TLSVersion) throws {
        try accelerated {
            let server = try credentials.serverConfiguration(version.only)
            let client = try credentials.clientConfiguration(version.only)
            #expect(try handshake(server, client) == (nil, 0, 2))
            #expect(try handshake(server, client) == (nil, 2, 0))
            let other = try credentials.root.issue(TLSTestCredentials.deviceTemplate())
            let third = try handshake(server, credentials.clientConfiguration(version.only, other))
            #expect(third == (nil, 1, 1), "another certificate is another signature")
        }
    }

    /// Whoever has only the certificate gets nowhere, also when it was seen before.
    @Test(arguments: TLSVersion.testable)
    func theProofOfTheKeyIsCheckedEveryTime(_ version: TLSVersion) throws {
        try accelerated {
            let server = try credentials.serverConfiguration(version.only)
            let client = try credentials.clientConfiguration(version.only)
            #expect(try handshake(server, client).error == nil)
            let checks = fleetgate_fast_signatures_thread_checks()
            #expect(try handshake(server, client).hits == 2)
            // The server's signature and the device's, by whatever the version calls them.
            #expect(fleetgate_fast_signatures_thread_checks() == checks + 2)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func anotherSignatureOnTheSameCertificateIsRefused(_ version: TLSVersion) throws {
        try accelerated {
            let server = try credentials.serverConfiguration(version.only)
            #expect(try handshake(server, credentials.clientConfiguration(version.only)).error == nil)
            for distance in [1, 9, 40] {
                var forged = credentials.device.certificateDER
                forged[forged.count - distance] ^= 1
                let client = try credentials.clientConfiguration(version.only) {
                    $0.certificateChainPEM = Array(certificatePEM(forged).utf8)
                }
                let outcome = try handshake(server, client)
                #expect(outcome.error == .badSignature)
                #expect(outcome.hits <= 1, "the server's own at most")
            }
        }
    }

    /// The issuer's key is part of what is remembered, its name is not enough.
    @Test(arguments: TLSVersion.testable)
    func aRememberedSignatureCountsForItsIssuerOnly(_ version: TLSVersion) throws {
        try accelerated {
            let server = try credentials.serverConfiguration(version.only)
            let client = try credentials.clientConfiguration(version.only)
            #expect(try handshake(server, client).error == nil)
            let namesake = try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root", maxPathLength: nil)
            let elsewhere = try credentials.serverConfiguration(version.only) {
                $0.trustAnchorsPEM = Array(try namesake.certificatePEM.utf8)
            }
            #expect(try handshake(elsewhere, client).error != nil)
            #expect(try handshake(server, client).error == nil)
        }
    }

    @Test(arguments: TLSVersion.testable)
    func theClockIsLookedAtEveryTime(_ version: TLSVersion) throws {
        try accelerated {
            let short = try credentials.root.issue(
                TLSTestCredentials.deviceTemplate {
                    $0.notBefore = Date() - 7_200
                    $0.notAfter = Date() - 3_600
                    $0.allowsViolations = true
                })
            let server = try credentials.serverConfiguration(version.only)
            let client = try credentials.clientConfiguration(version.only, short)
            #expect(try handshake(server, client).error == .expired)
            let again = try handshake(server, client)
            #expect(again.error == .expired)
            #expect(again.hits > 0, "its signature was good all the same")
        }
    }

    @Test func withoutTheSwitchNothingIsRemembered() throws {
        try accelerated {
            fleetgate_p256_set_thread_override(0)
            let server = try credentials.serverConfiguration()
            let client = try credentials.clientConfiguration()
            #expect(try handshake(server, client) == (nil, 0, 0))
            #expect(try handshake(server, client) == (nil, 0, 0))
        }
    }
}
