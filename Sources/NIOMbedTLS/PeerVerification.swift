internal import CMbedTLS
internal import Glibc

/// The judgement of one peer's chain, as mbedTLS goes through it, and what came of it.
///
/// A class for the same reason as ``CiphertextBuffers``: C calls into it. It touches nothing else.
final class PeerVerification {
    private let rules: VerificationRules
    private let authorize: TLSAuthorize
    /// The address to look for in the certificate, when the server was reached by one.
    private let expectedAddress: [UInt8]?

    /// What mbedTLS has against the certificates of the chain, all together.
    private var reasons: UInt32 = 0
    private var isTooLong = false
    /// The certificate that no issuer was found for, with its depth.
    private var untrusted: (der: [UInt8], depth: Int)?

    private var topDepth: Int?

    /// The leaf, as soon as it was seen and could be read.
    private(set) var leaf: PeerCertificate?
    private(set) var refusal: VerificationRules.Refusal?
    /// Whether the chain was verified and the authorization allowed it. Nothing else sets this.
    private(set) var isAllowed = false
    /// SNI, on a server.
    private(set) var serverName: String?

    init(rules: VerificationRules, expectedAddress: [UInt8]?, authorize: @escaping TLSAuthorize) {
        self.rules = rules
        self.expectedAddress = expectedAddress
        self.authorize = authorize
    }

    /// Called from C, from the top of the chain down to the leaf.
    ///
    /// - Returns: reasons to be added: any at all refuses the chain; which one chooses the alert.
    func judge(der: UnsafeRawBufferPointer, depth: Int, reasons: UInt32) -> UInt32 {
        self.reasons |= reasons
        self.topDepth = self.topDepth ?? depth
        if depth > self.rules.chainDepthMax {
            self.isTooLong = true
        }
        if reasons & UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED) != 0, self.untrusted == nil {
            self.untrusted = (Array(der), depth)
        }
        guard depth == 0 else { return 0 }

        do throws(DERReader.Failure) {
            self.leaf = try PeerCertificate(der: Array(der))
        } catch {
            self.refusal = .init(
                code: .certificateUnparsable, detail: "leaf certificate: \(error.detail)", alert: .badCertificate)
            return Self.reason(choosing: .badCertificate)
        }
        self.refusal = self.leaf.flatMap { self.judgeLeaf($0) }
        guard let refusal = self.refusal else {
            self.isAllowed = true
            return 0
        }
        return Self.reason(choosing: refusal.alert)
    }

    /// Called from C, with what the client sent.
    func noteServerName(_ name: UnsafeRawBufferPointer) {
        guard (1...255).contains(name.count), name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return }
        self.serverName = String(decoding: name, as: UTF8.self)
    }

    /// In the order that ``TLSError/Code`` documents.
    private func judgeLeaf(_ leaf: PeerCertificate) -> VerificationRules.Refusal? {
        if self.isTooLong {
            return .init(
                code: .chainTooLong, detail: "more than \(self.rules.chainDepthMax + 1) certificates",
                alert: .badCertificate)
        }
        if let refusal = self.judgeTrust() ?? Self.refusal(for: self.reasons) {
            return refusal
        }
        if let address = self.expectedAddress, !leaf.subjectAlternativeNames.contains(.ip(address)) {
            return .init(code: .wrongName, detail: "not for the address of the server", alert: .badCertificate)
        }
        if let refusal = self.rules.refusalByPolicy(leaf) ?? self.rules.refusalByUsage(leaf) {
            return refusal
        }
        switch self.authorize(leaf) {
        case .allowed:
            return nil
        case .denied(let code, let alert):
            return .init(
                code: alert.errorCode, detail: "refused by the authorization", alert: alert.alert, deniedCode: code)
        }
    }

    private func judgeTrust() -> VerificationRules.Refusal? {
        guard let untrusted = self.untrusted else { return nil }
        let top: PeerCertificate
        do throws(DERReader.Failure) {
            top = try PeerCertificate(der: untrusted.der)
        } catch {
            return .init(code: .unknownCA, detail: "no trust anchor issued it", alert: .unknownCA)
        }
        // With a certificate above it, mbedTLS found an issuer of the right name, whose key did not make the signature.
        guard untrusted.depth == self.topDepth else {
            return .init(
                code: .badSignature, detail: "not signed by the key of its issuer \(top.issuerDescription)",
                alert: .unknownCA)
        }
        return self.rules.untrusted(top: top, depth: untrusted.depth)
    }

    /// The code for what mbedTLS itself has against a chain.
    static func refusal(for reasons: UInt32) -> VerificationRules.Refusal? {
        guard reasons != 0 else { return nil }
        let known: [(Int32, TLSError.Code, String, TLSAlert)] = [
            (FLEETGATE_CERTIFICATE_NOT_TRUSTED, .unknownCA, "no trust anchor issued it", .unknownCA),
            (FLEETGATE_CERTIFICATE_WEAK_DIGEST, .weakSignature, "signed with a weak digest", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM, .weakKey, "unacceptable algorithm", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_WEAK_KEY, .weakKey, "unacceptable key size or curve", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_REVOKED, .revoked, "revoked", .certificateRevoked),
            (FLEETGATE_CERTIFICATE_EXPIRED, .expired, "a certificate of the chain has expired", .certificateExpired),
            (
                FLEETGATE_CERTIFICATE_NOT_YET_VALID, .notYetValid, "a certificate of the chain is not valid yet",
                .certificateExpired
            ),
            (FLEETGATE_CERTIFICATE_WRONG_NAME, .wrongName, "not for the name of the server", .badCertificate),
            (
                FLEETGATE_CERTIFICATE_KEY_USAGE, .wrongKeyUsage, "key usage does not allow signatures",
                .unsupportedCertificate
            ),
            (
                FLEETGATE_CERTIFICATE_EXTENDED_KEY_USAGE, .wrongExtendedKeyUsage, "extended key usage does not fit",
                .unsupportedCertificate
            ),
        ]
        for (bit, code, detail, alert) in known where reasons & UInt32(bit) != 0 {
            return .init(code: code, detail: detail, alert: alert)
        }
        return nil
    }

    /// The reason that makes mbedTLS send that alert (`mbedtls_ssl_verify_certificate`).
    static func reason(choosing alert: TLSAlert) -> UInt32 {
        switch alert {
        case .badCertificate: UInt32(FLEETGATE_CERTIFICATE_WRONG_NAME)
        case .unsupportedCertificate: UInt32(FLEETGATE_CERTIFICATE_KEY_USAGE)
        case .certificateExpired: UInt32(FLEETGATE_CERTIFICATE_EXPIRED)
        case .certificateRevoked: UInt32(FLEETGATE_CERTIFICATE_REVOKED)
        case .unknownCA: UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED)
        case .certificateUnknown: UInt32(FLEETGATE_CERTIFICATE_NOT_YET_VALID)
        default: UInt32(FLEETGATE_CERTIFICATE_OTHER)
        }
    }

    /// The bytes of an IPv4 or IPv6 address in text form, or nil when the text is a name.
    static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return withUnsafeBytes(of: &four) { Array($0) }
        }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 {
            return withUnsafeBytes(of: &six) { Array($0) }
        }
        return nil
    }
}

@available(*, unavailable)
extension PeerVerification: Sendable {}
