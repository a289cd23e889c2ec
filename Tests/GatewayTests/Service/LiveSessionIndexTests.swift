internal import FleetPolicy
internal import NIOMbedTLS
internal import Testing

@testable internal import Gateway

@Suite("LiveSessionIndex")
struct LiveSessionIndexTests {
    private static let anchor = PolicyAnchor(
        TLSTrustAnchor(subject: [], sha256Fingerprint: [UInt8](repeating: 9, count: 32)))

    private func authority(_ number: UInt8) throws -> AuthorityID {
        try #require(AuthorityID([UInt8](repeating: number, count: 32)))
    }

    private func path(_ number: UInt8) throws -> IssuerPath {
        IssuerPath(
            anchor: Self.anchor, issuer: try self.authority(number),
            authorities: [CertificateID(issuer: try self.authority(0), serialNumber: [number])])
    }

    private func credential(_ number: UInt8, _ path: IssuerPath?) throws -> SessionCredential {
        let peer = TLSPeer(
            certificate: try PeerCertificate(parsing: TestCertificate.der), objections: [], trustAnchor: nil,
            version: .v1_2, serverName: nil)
        return try #require(SessionCredential(peer, path: path))
    }

    private func entry(_ number: UInt8, _ path: IssuerPath?) throws -> LiveSessionIndex.Entry {
        LiveSessionIndex.Entry(
            DeviceDescription(deviceID: "d\(number)", tenant: "t\(number % 2)", profile: "p", quarantine: nil),
            try self.credential(number, path))
    }

    @Test("what was added is found by all of its sides, and by none once it is removed")
    func sides() throws {
        var index = LiveSessionIndex()
        let north = try self.path(1)
        let entries: [(UInt64, LiveSessionIndex.Entry)] = [
            (1, try self.entry(1, north)), (2, try self.entry(2, index.shared(self.path(1)))),
            (3, try self.entry(3, self.path(2))), (4, try self.entry(4, nil)),
        ]
        for (number, entry) in entries { index.add(number, entry) }
        let fingerprint = try self.credential(1, nil).fingerprint
        let leaf = CertificateID(issuer: try self.authority(2), serialNumber: [1])
        let ca = CertificateID(issuer: try self.authority(0), serialNumber: [1])
        let foreign = CertificateID(issuer: try self.authority(7), serialNumber: [1])
        func all(_ index: LiveSessionIndex) throws -> [Set<UInt64>] {
            [
                Set(index.sessions(under: [try self.authority(1)])),
                Set(index.sessions(under: [try self.authority(0)])),
                Set(index.sessions(underAnchor: Self.anchor.value.sha256Fingerprint)),
                Set(index.candidates(presenting: [leaf])), Set(index.candidates(presenting: [ca])),
                Set(index.candidates(presenting: [foreign])), Set(index.candidates(presenting: [fingerprint])),
                Set(index.sessions(ofTenant: "t1")), Set(index.sessions(ofProfile: "p")),
                Set(index.devices[DeviceKey(tenant: "t0", deviceID: "d4")]),
            ]
        }
        #expect(
            try all(index) == [
                [1, 2], [1, 2, 3], [1, 2, 3], [3], [1, 2], [], [1, 2, 3, 4], [1, 3], [1, 2, 3, 4], [4],
            ])
        for (number, entry) in entries {
            index.remove(number, entry)
            index.remove(number, entry)
        }
        #expect(try all(index).allSatisfy(\.isEmpty))
    }

    @Test("equal paths are one as long as a session has it")
    func shared() throws {
        var index = LiveSessionIndex()
        let first = try self.path(1)
        index.add(1, try self.entry(1, first))
        #expect(try index.shared(self.path(1)) === first)
        let other = try self.path(2)
        #expect(index.shared(other) === other)
        index.remove(1, try self.entry(1, first))
        let second = try self.path(1)
        #expect(index.shared(second) === second)
    }

    @Test("the chain of a leaf under a path")
    func chain() throws {
        let path = try self.path(1)
        #expect(
            path.chain(ofLeaf: [0, 5]) == [
                CertificateID(issuer: try self.authority(1), serialNumber: [5]),
                CertificateID(issuer: try self.authority(0), serialNumber: [1]),
            ])
        #expect(path.authorityIDs == [try self.authority(1), try self.authority(0)])
    }

    @Test("an issuer that was not hashed makes no path")
    func unhashed() throws {
        let known = LoopAuthorities([:])
        let good = TLSChainLink(issuerID: [UInt8](repeating: 1, count: 32), serialNumber: [1], issuer: nil)
        let bad = TLSChainLink(issuerID: [], serialNumber: [1], issuer: nil)
        #expect(IssuerPath(Self.anchor, [good], known: known) != nil)
        for chain in [[bad], [good, bad], [bad, good], []] {
            #expect(IssuerPath(Self.anchor, chain, known: known) == nil)
        }
    }

    @Test("the first chain of each CA is told of, of configured ones too, and again under a new configuration")
    func firstChains() throws {
        let certificate = try PeerCertificate(parsing: TestCertificate.der)
        let id = [UInt8](repeating: 7, count: 32)
        let configured = [try #require(AuthorityID(id)): KnownAuthority(certificate)]
        var known = LoopAuthorities(configured)
        let (first, second) = (known.saw(certificate, id), known.saw(certificate, id))
        #expect(first && !second && known.seenCount == 0)
        known.replace(configured)
        let again = known.saw(certificate, id)
        #expect(again)
    }

    @Test("CAs that were seen are remembered in bounded number")
    func authorities() throws {
        var known = LoopAuthorities([:])
        let certificate = try PeerCertificate(parsing: TestCertificate.der)
        for number in 0..<LoopAuthorities.seenMax * 2 {
            let id = (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 2 * 8)) }
            known.saw(certificate, id)
            #expect(try known[#require(AuthorityID(id))] != nil)
        }
        known.saw(certificate, [1, 2, 3])
        #expect(known.seenCount == LoopAuthorities.seenMax)
    }

    @Test("distribution points are told of once for each CA, again after a reload, and in bounded number")
    func distributionPoints() {
        var known = LoopAuthorities([:])
        let (north, south) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        // Nothing, new, again, other points, another CA.
        var isTold: [Bool] = []
        let seen: [(points: ArraySlice<UInt8>, authority: [UInt8])] = [
            ([], north), ([1], north), ([1], north), ([2], north), ([1], south),
        ]
        for (points, authority) in seen {
            isTold.append(known.saw(distributionPoints: points, of: authority))
        }
        known.replace([:])
        isTold.append(known.saw(distributionPoints: [1], of: north))
        #expect(isTold == [false, true, false, true, true, true])
        let told = (0..<LoopAuthorities.placesMax * 2).count { number in
            known.saw(distributionPoints: [3, UInt8(number >> 8), UInt8(number & 0xFF)], of: north)
        }
        #expect(told == LoopAuthorities.placesMax - 1)
    }
}
