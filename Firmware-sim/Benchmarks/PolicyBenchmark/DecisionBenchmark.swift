import FleetPolicy

/// One decision from a certificate's attributes.
enum DecisionBenchmark {
    struct Refused: Error, CustomStringConvertible {
        let denial: PolicyDenial
        var description: String { "the benchmark's certificate is refused: \(denial)" }
    }

    static func run(
        _ set: ProfileSet, profiles: Int, directory: DeviceDirectory, trust: TrustSnapshot = .empty, what: String,
        into report: inout BenchmarkReport
    ) throws {
        let snapshot = PolicySnapshot(profiles: set, directory: directory, trust: trust)
        // Different ones, spread over the profiles, so that no one profile stays in the processor's caches.
        let certificates = (0..<1_000).map {
            certificate(organisation: SourceText.organisation($0 * 7_919 % profiles), serial: $0)
        }
        // Under the CA of the list, where there is one.
        let circumstances = certificates.indices.map { number in
            Self.circumstances(
                chain: trust.lists.keys.map {
                    CertificateID(issuer: $0, serialNumber: RevocationBenchmark.goodSerialNumber(number))
                })
        }
        for (certificate, circumstances) in zip(certificates, circumstances) {
            _ = try grant(snapshot, certificate, circumstances)
        }
        let measured = Measurement.of(batches: 200, calls: 1_000) { calls in
            var granted = 0
            for call in 0..<calls {
                switch snapshot.decide(certificates[call], circumstances[call]) {
                case .granted(let grant): granted += grant.deviceID.utf8.count
                case .denied: continue
                }
            }
            return granted
        }
        report.add("decision, \(profiles.grouped) profiles\(what): median", measured.median, "ns", goal: 2_000)
        report.add("decision, \(profiles.grouped) profiles\(what): p99 of batches", measured.p99, "ns")
        report.add("decision, \(profiles.grouped) profiles\(what): allocations", measured.allocations, "each")
    }

    static func grant(
        _ snapshot: PolicySnapshot, _ certificate: CertificateAttributes,
        _ circumstances: ConnectionCircumstances = circumstances(chain: [])
    ) throws -> DeviceGrant {
        switch snapshot.decide(certificate, circumstances) {
        case .granted(let grant): return grant
        case .denied(let denial): throw Refused(denial: denial)
        }
    }

    static let anchor = DistinguishedName(rfc4514: "CN=Device CA,O=Elbe Netz") ?? DistinguishedName([])

    static let anchorFingerprint = [UInt8](repeating: 1, count: 32)

    private static let trustAnchor = ConnectionCircumstances.TrustAnchor(
        subject: anchor, sha256Fingerprint: anchorFingerprint)

    static func circumstances(chain: [CertificateID]) -> ConnectionCircumstances {
        ConnectionCircumstances(now: 1_800_000_000, trustAnchor: trustAnchor, chain: chain)
    }

    static func certificate(organisation: String, serial: Int) -> CertificateAttributes {
        CertificateAttributes(
            subject: DistinguishedName(rfc4514: "CN=meter-\(serial),OU=site-1,O=\(organisation)") ?? anchor,
            issuer: anchor, subjectAlternativeNames: [.dns("meter-\(serial).example")], serialNumber: [1, 2, 3, 4],
            sha256Fingerprint: [UInt8](repeating: UInt8(truncatingIfNeeded: serial), count: 32), notBefore: 0,
            notAfter: 4_000_000_000,
            publicKey: PublicKeyDescription(
                algorithm: .ellipticCurve(oid: "1.2.840.10045.3.1.7"), bits: 256,
                sha256: DirectoryBenchmark.keyHash(serial)))
    }
}
