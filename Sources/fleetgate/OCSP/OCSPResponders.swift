import FleetPKI
import FleetPolicy

/// Who can be asked about a certificate, best first.
struct OCSPResponderChoice: Sendable, Hashable {
    let address: String
    let reach: HTTPReach
}

/// What is known of who answers for which CA, for sessions that were resumed and do not have their certificate any more.
/// A value.
struct OCSPResponderMemory: Sendable {
    private struct Key: Hashable {
        let issuer: AuthorityID
        let bundle: String
    }

    /// CAs. Beyond it the whole memory is begun again: it costs a resumed session its answer, and nothing else.
    private static let entriesMax = 1024
    /// Responders of one certificate that are tried.
    private static let responderMax = 2

    private var byIssuer: [Key: String] = [:]

    /// The configured responder alone; else those that the certificate names; else who answered last for it, or for its
    /// CA.
    ///
    /// - Parameters:
    ///   - der: The certificate; empty when it is not there any more.
    ///   - last: Who answered last about this very certificate.
    func choices(
        _ certificate: CertificateID, der: [UInt8], last: String?, bundle name: String, _ bundle: OCSPSettings.Bundle
    ) -> [OCSPResponderChoice] {
        if let responder = bundle.responder { return [OCSPResponderChoice(address: responder, reach: .anywhere)] }
        let named = der.isEmpty ? [] : (try? CertificateInspection(der: der))?.ocspResponders ?? []
        let remembered = [last ?? byIssuer[Key(issuer: certificate.issuer, bundle: name)]].compactMap { $0 }
        let reach = bundle.allowsPrivateResponders ? HTTPReach.anywhere : .publicOnly
        return (named.isEmpty ? remembered : named).prefix(Self.responderMax).map {
            OCSPResponderChoice(address: $0, reach: reach)
        }
    }

    mutating func answered(_ address: String, for issuer: AuthorityID, bundle: String) {
        let key = Key(issuer: issuer, bundle: bundle)
        if byIssuer.count >= Self.entriesMax, byIssuer[key] == nil { byIssuer = [:] }
        byIssuer[key] = address
    }
}
