internal import FleetPolicy
internal import MQTTCodec
internal import NIOMbedTLS
internal import Testing

@testable internal import Gateway

/// What becomes of sessions, and of devices that come, when a certificate is worth nothing any more.
@Suite("revocation and trust on a running gateway")
struct RevocationTests {
    private static let byOperator = Revocation(source: .operator, reason: .keyCompromise, revokedAt: 1)

    private func revoking(_ certificates: CertificateID...) -> TrustSnapshot {
        TrustSnapshot(revoked: certificates.reduce(into: [:]) { $0[$1] = Self.byOperator })
    }

    @Test("a revoked leaf ends its session with 0x87 and no other, and it does not come back")
    func leaf() async throws {
        try await GatewayBench.with { bench in
            let first = try bench.authorities.device(1)
            let device = try await bench.establish(first)
            let other = try await bench.establish(bench.authorities.device(2))
            let id = try #require(try await bench.session(1).certificateID)
            let before = try await bench.session(2)
            let ended = await bench.gateway.update(trust: self.revoking(id), affecting: .certificates([id]))
            #expect(ended == 1)
            #expect(await device.next() == .disconnect(.notAuthorized, reason: "certificate-revoked"))
            #expect(try await bench.session(2) == before)
            #expect(await bench.live == ["meter-2"])
            #expect(await bench.gateway.update(trust: self.revoking(id), affecting: .certificates([id])) == 0)
            let back = try await bench.connect(first)
            #expect(await back.rest().contains(.failed(.certificateRevoked)))
            await other.close()
        }
    }

    @Test("a revoked CA ends every session under it, by its own serial number, and none beside it")
    func intermediate() async throws {
        try await GatewayBench.with { bench in
            for number in 1...3 { _ = try await bench.establish(bench.authorities.device(number)) }
            _ = try await bench.establish(bench.authorities.device(4, of: .south))
            _ = try await bench.establish(bench.authorities.device(5, of: .root))
            // The root's own identifier is that of the issuer of what it issued.
            let root = try #require(try await bench.session(5).certificateID).issuer
            let north = CertificateID(
                issuer: root, serialNumber: try TestAuthorities.certificate(of: bench.authorities.north).serialNumber)
            let ended = await bench.gateway.update(trust: self.revoking(north), affecting: .certificates([north]))
            #expect(ended == 3)
            #expect(await bench.live == ["meter-4", "meter-5"])
        }
    }

    @Test("a new list of a CA ends whom it names; those under other CAs are not even looked at")
    func list() async throws {
        try await GatewayBench.with { bench in
            _ = try await bench.establish(bench.authorities.device(1))
            _ = try await bench.establish(bench.authorities.device(2))
            _ = try await bench.establish(bench.authorities.device(3, of: .south))
            let id = try #require(try await bench.session(2).certificateID)
            var entries = SerialNumberSet()
            let isTaken = entries.insert(id.serialNumber, reason: .superseded, revokedAt: 5)
            #expect(isTaken)
            let list = RevocationList(issuer: id.issuer, thisUpdate: 1, nextUpdate: nil, entries: entries)
            let trust = TrustSnapshot(
                anchors: [
                    try #require(try await bench.session(1).trustAnchorSHA256): TrustAnchorRules(name: "fleet")
                ],
                lists: [id.issuer: list])
            let south = try #require(try await bench.session(3).certificateID).issuer
            #expect(await bench.gateway.update(trust: trust, affecting: .authorities([south])) == 0)
            #expect(await bench.live.count == 3)
            #expect(await bench.gateway.update(trust: trust, affecting: .authorities([id.issuer])) == 1)
            #expect(await bench.live == ["meter-1", "meter-3"])
        }
    }

    @Test("a fingerprint revoked by the operator")
    func fingerprint() async throws {
        try await GatewayBench.with { bench in
            for number in 1...3 { _ = try await bench.establish(bench.authorities.device(number)) }
            let fingerprint = try await bench.session(2).certificateSHA256
            let trust = TrustSnapshot(revokedFingerprints: [fingerprint: Self.byOperator])
            #expect(await bench.gateway.update(trust: trust, affecting: .fingerprints([fingerprint, [1]])) == 1)
            #expect(await bench.live == ["meter-1", "meter-3"])
        }
    }

    @Test("an anchor is removed: its sessions end, and its devices are refused as of an unknown CA")
    func anchorRemoved() async throws {
        try await GatewayBench.with { bench in
            let device = try bench.authorities.device(1, of: .otherRoot)
            let session = try await bench.establish(device)
            _ = try await bench.establish(bench.authorities.device(2))
            let tls = try bench.authorities.serverTLS(anchors: [.root])
            try await bench.gateway.reload(GatewaySnapshot(tls: ["default": tls], policy: GatewayBench.policy()))
            #expect(await session.next() == .disconnect(.notAuthorized, reason: "untrusted-issuer"))
            #expect(await bench.live == ["meter-2"])
            let back = try await bench.connect(device)
            #expect(await back.rest().contains(.failed(.unknownCA)))
        }
    }

    @Test("a list that is required and missing refuses, and ends what there is")
    func listRequired() async throws {
        try await GatewayBench.with { bench in
            let device = try bench.authorities.device(1)
            _ = try await bench.establish(device)
            let anchor = try #require(try await bench.session(1).trustAnchorSHA256)
            let trust = TrustSnapshot(
                anchors: [anchor: TrustAnchorRules(name: "fleet", lists: .required(graceSeconds: 0))])
            #expect(await bench.gateway.update(trust: trust, affecting: .everything) == 1)
            let back = try await bench.connect(device)
            #expect(await back.rest().contains(.failed(.certificateUnknown)))
        }
    }

    @Test("sessions are found, and ended, by everything they can be selected by")
    func selections() async throws {
        try await GatewayBench.with { bench in
            let gateway = bench.gateway
            _ = try await bench.establish(bench.authorities.device(1))
            _ = try await bench.establish(bench.authorities.device(2, of: .south, tenant: "bremen"))
            _ = try await bench.establish(bench.authorities.device(3, of: .otherRoot))
            let first = try await bench.session(1)
            let third = try await bench.session(3)
            let id = try #require(first.certificateID)
            let selections: [(SessionSelection, Set<String>)] = [
                (.device(first.key), ["meter-1"]), (.certificate(id), ["meter-1"]),
                (.certificate(CertificateID(issuer: id.issuer, serialNumber: [1])), []),
                (.fingerprint(third.certificateSHA256), ["meter-3"]), (.fingerprint([1, 2]), []),
                (.authority(id.issuer), ["meter-1"]),
                (.trustAnchor(try #require(first.trustAnchorSHA256)), ["meter-1", "meter-2"]),
                (.tenant("bremen"), ["meter-2"]), (.tenant(""), []),
                (.profile("meter"), ["meter-1", "meter-2", "meter-3"]), (.profile("other"), []),
            ]
            for (selection, expected) in selections {
                let found = Set(await gateway.sessions(selection).map(\.key.deviceID))
                #expect(found == expected, "\(selection)")
            }
            #expect(await gateway.endSessions(.tenant("bremen"), detail: "test") == 1)
            #expect(await gateway.endSessions(.authority(id.issuer), code: .certificateRevoked, detail: "test") == 1)
            #expect(await bench.live == ["meter-3"])
        }
    }

    @Test("who ends a session tells it 0x98, and 0x87 where its certificate is the reason")
    func reasons() async throws {
        try await GatewayBench.with { bench in
            let first = try await bench.establish(bench.authorities.device(1))
            let second = try await bench.establish(bench.authorities.device(2))
            _ = await bench.gateway.endSessions(.device(try await bench.session(1).key), detail: "test")
            _ = await bench.gateway.endSessions(
                .device(try await bench.session(2).key), code: .certificateRevoked, detail: "test")
            #expect(await first.next() == .disconnect(.administrativeAction, reason: "ended-by-operator"))
            #expect(await second.next() == .disconnect(.notAuthorized, reason: "certificate-revoked"))
        }
    }
}
