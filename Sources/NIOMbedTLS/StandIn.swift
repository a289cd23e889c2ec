internal import CMbedTLS

extension VerificationRules {
    /// A configured intermediate, which stands in for its anchor: mbedTLS takes it as trusted, so the part of the chain
    /// above it is judged here.
    struct StandIn: Sendable {
        let authority: KnownAuthority
        /// Below the anchor, the topmost first, with ``authority`` as the last.
        let path: [KnownAuthority]
        let anchor: Anchor
        /// Seconds since 1970, with the allowance for clocks: when mbedTLS should know of it.
        let validity: ClosedRange<Int64>

        /// The depth of the anchor of a chain that has the intermediate at `depth`.
        func anchorDepth(_ depth: Int) -> Int { depth + self.path.count }

        /// What there is against the certificates above the intermediate, in a chain that has it at `depth`.
        ///
        /// - Returns: mbedTLS's reasons, and whether a path length is exceeded.
        func judge(depth: Int, now: Int64, clockSkew: Int64) -> (reasons: UInt32, isTooLong: Bool) {
            var reasons: UInt32 = 0
            var isTooLong = false
            let above = [self.anchor.authority] + self.path.dropLast()
            for (distance, authority) in above.reversed().enumerated() {
                guard let certificate = authority.certificate else { continue }
                isTooLong = isTooLong || !certificate.allowsPath(belowDepth: depth + 1 + distance)
                if now > certificate.notAfter + clockSkew {
                    reasons |= UInt32(FLEETGATE_CERTIFICATE_EXPIRED)
                }
                if now < certificate.notBefore - clockSkew {
                    reasons |= UInt32(FLEETGATE_CERTIFICATE_NOT_YET_VALID)
                }
            }
            return (reasons, isTooLong)
        }
    }
}

extension PeerCertificate {
    /// Whether it may be at this depth as far as its path length goes (RFC 5280, 4.2.1.9). Self-issued certificates
    /// below it count, as they do for mbedTLS: an issuer of the leaf, at depth 1, needs none.
    func allowsPath(belowDepth depth: Int) -> Bool {
        (self.pathLength ?? Int.max) >= depth - 1
    }
}

/// Why anchors or intermediates cannot be used.
struct IntermediateProblem: Error {
    let isAboutAnchor: Bool
    let detail: String
}

extension TrustStore {
    /// Verifies each configured intermediate up to an anchor, by way of the others if need be.
    static func standIns(
        _ configuration: TLSConfiguration, below anchorChain: CertificateChain, _ anchors: [VerificationRules.Anchor]
    ) throws(IntermediateProblem) -> [VerificationRules.StandIn] {
        guard !configuration.intermediatesPEM.isEmpty else { return [] }
        let ders: [[UInt8]]
        do throws(MbedTLSFailure) {
            ders = try CertificateChain(pem: configuration.intermediatesPEM).ders
        } catch {
            let detail = error.code > 0 ? "\(error.code) certificates could not be parsed" : "\(error)"
            throw IntermediateProblem(isAboutAnchor: false, detail: detail)
        }
        guard ders.count <= TLSLimits.certificatesInFileMax else {
            throw IntermediateProblem(
                isAboutAnchor: false,
                detail: "\(ders.count) certificates, at most \(TLSLimits.certificatesInFileMax) are possible")
        }
        var standIns: [VerificationRules.StandIn] = []
        for (index, der) in ders.enumerated() where !anchors.contains(where: { $0.authority.der == der }) {
            let others = ders.enumerated().filter { $0.offset != index }.map(\.element)
            do throws(DERReader.Failure) {
                let path = try Self.path(of: der, by: others, below: anchorChain, configuration)
                standIns.append(try Self.standIn(path, anchors, configuration))
            } catch {
                let name = (try? PeerCertificate(der: der)).map { "\"\($0.subjectDescription)\"" } ?? "\(index + 1)"
                throw IntermediateProblem(isAboutAnchor: false, detail: "intermediate \(name): \(error.detail)")
            }
        }
        return standIns
    }

    /// The certificates from the intermediate up to an anchor, which mbedTLS found and verified.
    private static func path(
        of der: [UInt8], by others: [[UInt8]], below anchors: CertificateChain, _ configuration: TLSConfiguration
    ) throws(DERReader.Failure) -> [[UInt8]] {
        let presented: CertificateChain
        do throws(MbedTLSFailure) {
            presented = try CertificateChain(presented: [der] + others)
        } catch {
            throw DERReader.Failure(detail: "\(error)")
        }
        let collector = PathCollector()
        var reasons: UInt32 = 0
        let status = withExtendedLifetime(collector) {
            fleetgate_certificates_verify(
                presented.pointer, anchors.pointer, configuration.leafPolicy.refusesWeakKeys ? 0 : 1,
                collectCertificate, Unmanaged.passUnretained(collector).toOpaque(), &reasons)
        }
        // What is said of dates is judged in every handshake.
        let dates = UInt32(FLEETGATE_CERTIFICATE_EXPIRED | FLEETGATE_CERTIFICATE_NOT_YET_VALID)
        if let refusal = PeerVerification.refusal(for: reasons & ~dates) {
            throw DERReader.Failure(detail: refusal.detail)
        }
        guard status == 0 || reasons & dates != 0, reasons & ~dates == 0, collector.ders.last == der else {
            throw DERReader.Failure(detail: "\(MbedTLSFailure(code: status))")
        }
        return collector.ders.reversed()
    }

    /// - Parameter path: the intermediate first, then its issuers, up to the anchor.
    private static func standIn(
        _ path: [[UInt8]], _ anchors: [VerificationRules.Anchor], _ configuration: TLSConfiguration
    ) throws(DERReader.Failure) -> VerificationRules.StandIn {
        guard path.count >= 2, let top = path.last,
            let anchor = anchors.first(where: { $0.authority.der == top })
        else { throw DERReader.Failure(detail: "no trust anchor issued it") }
        var authorities: [KnownAuthority] = []
        for der in path.dropLast() {
            let certificate = try PeerCertificate(der: der)
            guard certificate.isCA, certificate.version == 3,
                certificate.keyUsage.map({ $0 & PeerCertificate.KeyUsage.keyCertSign != 0 }) ?? true
            else {
                throw DERReader.Failure(detail: "\(certificate.subjectDescription) may not sign certificates")
            }
            guard !certificate.constrainsNames else {
                throw DERReader.Failure(detail: "it has name constraints, which cannot be checked")
            }
            authorities.append(try KnownAuthority(certificate))
        }
        let above = authorities.dropFirst().compactMap(\.certificate) + [anchor.authority.certificate].compactMap { $0 }
        for (distance, certificate) in above.enumerated() where !certificate.allowsPath(belowDepth: distance + 2) {
            throw DERReader.Failure(
                detail: "the path length of \(certificate.subjectDescription) allows no such CA below it")
        }
        guard let own = authorities.first, let certificate = own.certificate else {
            throw DERReader.Failure(detail: "no certificate")
        }
        let skew = configuration.clockSkewSeconds
        let begin = certificate.notBefore - skew
        return .init(
            authority: own, path: authorities.reversed(), anchor: anchor,
            validity: begin...max(begin, certificate.notAfter + skew))
    }
}

/// What mbedTLS shows of a chain, from the top down.
private final class PathCollector {
    var ders: [[UInt8]] = []
}

private func collectCertificate(
    _ collector: UnsafeMutableRawPointer?, _ der: UnsafePointer<UInt8>?, _ length: Int, _ depth: Int32,
    _ version: Int32, _ reasons: UInt32
) -> UInt32 {
    guard let collector, let der else { return reasons | UInt32(FLEETGATE_CERTIFICATE_OTHER) }
    Unmanaged<PathCollector>.fromOpaque(collector).takeUnretainedValue().ders.append(
        Array(UnsafeBufferPointer(start: der, count: length)))
    return reasons
}
