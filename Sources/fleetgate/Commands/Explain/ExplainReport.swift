import FleetPolicy
import Gateway
import NIOMbedTLS

/// Why one certificate gets what it gets: a value, the same for a person, for `--json` and over the admin socket.
struct ExplainReport: Codable, Sendable, Hashable {
    /// The device's certificate. Names in the form of RFC 4514.
    struct Certificate: Codable, Sendable, Hashable {
        let subject: String
        let issuer: String
        let alternativeNames: [String]
        /// Lower-case hexadecimal.
        let serialNumber: String
        /// Lower-case hexadecimal.
        let sha256: String
        /// Lower-case hexadecimal.
        let publicKeySHA256: String
        /// Seconds since 1970-01-01T00:00:00Z.
        let notBefore: Int64
        /// Seconds since 1970-01-01T00:00:00Z.
        let notAfter: Int64
        /// Such as `EC P-256` or `RSA 2048`.
        let key: String
        let policies: [String]
    }

    /// What the TLS layer says to the chain.
    struct Chain: Codable, Sendable, Hashable {
        /// The raw values are stable.
        enum Result: String, Codable, Sendable, Hashable {
            /// As in a handshake.
            case accepted
            case refused
            /// Only the leaf is known, and that is not enough to verify it again.
            case notVerified = "not-verified"
        }

        let result: Result
        /// The TLS layer's stable code of a refusal.
        let code: String?
        let detail: String?
        /// What would help; nil: nothing is known.
        let hint: String?
        /// The anchor's subject; nil: no anchor issued the chain.
        let trustAnchor: String?
        /// Lower-case hexadecimal.
        let trustAnchorSHA256: String?
        /// What is against the chain and was let pass: `expired`, `untrusted`.
        let despite: [String]
        /// How many certificates there are, the leaf among them.
        let certificates: Int
    }

    /// What the device gets.
    struct Grant: Codable, Sendable, Hashable {
        let device: DeviceKey
        let profile: String
        /// The stable reason; nil: it has its own profile.
        let quarantine: String?
        let clientIDRule: String
        let topicPrefix: String
        /// Nil: the default one.
        let upstream: String?
        let asksForPassword: Bool
        let limits: [LimitsText.Entry]
        let rules: EffectiveRules
    }

    struct ClientIdentifier: Codable, Sendable, Hashable {
        let value: String
        let rule: String
        let isPermitted: Bool
    }

    /// What a running gateway knows of the device's session.
    struct Session: Codable, Sendable, Hashable {
        let connection: UInt64
        let address: String
        /// Seconds since 1970-01-01T00:00:00Z.
        let since: Int64
        let clientID: String?
        let profile: String
        /// Nil: it has its own profile.
        let quarantine: String?
    }

    /// Seconds since 1970-01-01T00:00:00Z, for which all of this holds.
    let now: Int64
    let tlsVersion: String
    let listener: String
    let serverName: String?
    let certificate: Certificate
    let chain: Chain
    /// What the profiles say. Of a refused chain: what they would say, were it accepted. Where no client CA has issued
    /// it, the name of its issuer stands for the trust anchor.
    let decision: DecisionExplanation
    /// Nil: nothing.
    let grant: Grant?
    /// Nil: nobody asked.
    let clientID: ClientIdentifier?
    let topics: [TopicExplanation]
    /// Of a running gateway; empty when the device is not connected.
    var sessions: [Session] = []

    /// Whether the device would get in, as far as certificate, registry and client identifier say. A password is not
    /// asked for here.
    var isAdmitted: Bool { grant != nil && chain.result != .refused && (clientID?.isPermitted ?? true) }
    /// Whether all that was asked about is permitted.
    var isPermitted: Bool { isAdmitted && topics.allSatisfy(\.isGranted) }
}

extension ExplainReport.Certificate {
    init(_ certificate: PeerCertificate) {
        subject = certificate.subjectDescription
        issuer = certificate.issuerDescription
        alternativeNames = certificate.subjectAlternativeNames.map(AlternativeNameLine.text)
        serialNumber = certificate.serialNumberHex
        sha256 = certificate.sha256FingerprintHex
        publicKeySHA256 = HexadecimalText.text(certificate.publicKeySHA256)
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        key = Self.text(certificate.keyAlgorithm, bits: certificate.keyBits)
        policies = certificate.certificatePolicies
    }

    private static func text(_ algorithm: PeerCertificate.KeyAlgorithm, bits: Int) -> String {
        switch algorithm {
        case .rsa: "RSA \(bits)"
        case .ellipticCurve("1.2.840.10045.3.1.7"): "EC P-256"
        case .ellipticCurve("1.3.132.0.34"): "EC P-384"
        case .ellipticCurve("1.3.132.0.35"): "EC P-521"
        case .ellipticCurve(let oid): "EC \(oid)"
        case .other(let oid): oid
        }
    }
}

/// A subject alternative name in one line, as OpenSSL prints it.
enum AlternativeNameLine {
    static func text(_ name: NIOMbedTLS.SubjectAlternativeName) -> String {
        switch name {
        case .dns(let value): "DNS:\(value)"
        case .uri(let value): "URI:\(value)"
        case .email(let value): "email:\(value)"
        case .ip(let bytes): "IP:\(address(bytes))"
        case .directoryName(let name):
            "directory:\(name.reversed().map { $0.map { "\($0.oid)=\($0.value)" }.joined(separator: "+") }.joined(separator: ","))"
        case .otherName(let oid, let value): "other:\(oid)=\(HexadecimalText.text(value))"
        case .registeredID(let oid): "registered id \(oid)"
        case .other(let tag): "unknown form \(tag)"
        }
    }

    private static func address(_ bytes: [UInt8]) -> String {
        guard bytes.count == 16 else { return bytes.map { String($0) }.joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}
