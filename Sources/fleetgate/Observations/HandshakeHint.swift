import DeviceRegistry
import Foundation
import NIOMbedTLS

/// What could be done about a connection that failed, in one or two sentences for the operator. A guess from what is
/// known; nothing is decided by it. Pure.
enum HandshakeHint {
    /// Authorities that are named in a hint.
    private static let authoritiesMax = 5

    /// - Parameters:
    ///   - context: Of the listener; nil: nothing is known of it.
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    /// - Returns: Empty when there is nothing to say beyond the reason.
    static func text(for error: TLSError, context: HintContext?, now: Int64) -> String {
        switch error.code {
        case .noCertificate:
            return "the device sent no certificate: has it one, with its key, and does its firmware use it? One with a "
                + "key that is not accepted, such as Ed25519, many devices do not send either"
        case .unknownCA:
            return unknownIssuer(error, context)
        case .badSignature:
            return badSignature(error, context)
        case .expired:
            return expired(error, now: now)
        case .notYetValid:
            return notYetValid(error, now: now)
        case .wrongExtendedKeyUsage:
            return "the certificate's extended key usage does not name clientAuth (1.3.6.1.5.5.7.3.2): issue it anew, "
                + "or switch require-client-auth-eku off for its trust anchor"
        case .wrongKeyUsage:
            return "the certificate's key usage lacks digitalSignature: issue it anew"
        case .leafIsCA:
            return "the device presented a CA certificate: its own has to come first"
        case .weakSignature:
            return "a certificate of the chain is signed with SHA-1, MD5 or a digest that the trust anchor does not "
                + "allow (signature-digests): issue it anew"
        case .weakKey:
            return weakKey(error)
        case .chainTooLong:
            return "more CAs than chain-depth-max allows, or than a CA's own path length"
        case .unsupportedCriticalExtension:
            return "a certificate of the chain has a critical extension that cannot be honoured here, such as name "
                + "constraints: issue it anew without"
        case .unsupportedNameConstraints:
            return
                "an intermediate CA limits the names below it (name constraints), which cannot be checked here: have "
                + "the device's certificate issued by another CA"
        case .unsupportedKey:
            return "a certificate of the chain has a key of a kind that cannot be used here: issue it anew for ECDSA "
                + "on P-256 or P-384, or RSA of 2048 to 8192 bits"
        case .unsupportedSignature:
            return "a certificate of the chain is signed in a way that cannot be checked here: its CA has to sign with "
                + "ECDSA or RSA and SHA-2"
        case .notV3:
            return "the certificate is of X.509 version 1: issue it anew with extensions"
        case .badSerial:
            return "the certificate's serial number is zero, negative or longer than 20 octets: issue it anew"
        case .certificateUnparsable:
            return "the certificate is not one that can be read in full; `fleetgate cert inspect FILE` says more"
        case .notTLS:
            return notTLS(error)
        case .noSharedVersion:
            return noSharedVersion(error, context)
        case .noSharedCipher:
            return noSharedCipher(error, context)
        case .noSharedALPN:
            return noSharedProtocol(error, context)
        case .handshakeTimeout where error.fault == .local:
            return "the gateway had more handshakes to do than it could in time (fleetgate_handshakes_waiting)"
        case .handshakeTimeout:
            return "the device did not finish the handshake in time: a slow radio, a slow core, or a peer that is no "
                + "device (tls.handshake-timeout)"
        case .eofDuringHandshake:
            return eof(error)
        case .peerAlert:
            return peerAlert(error)
        case .handshakeTooLarge:
            return "the device sent more than a handshake takes: a chain of many or large certificates?"
        case _:
            return ""
        }
    }

    // MARK: Issuers

    private static func unknownIssuer(_ error: TLSError, _ context: HintContext?) -> String {
        guard let leaf = error.peerCertificate else { return anchors(context) }
        // The topmost certificate presented is the one whose issuer is missing, unless one below it is no CA.
        let path = path(leaf, error.presentedIssuers)
        if let pretender = path.dropFirst().first(where: { !$0.maySignCertificates }) {
            return "\(quoted(pretender.subjectDescription)) may not sign certificates: it is no CA (basicConstraints), "
                + "or its key usage lacks keyCertSign"
        }
        let top = path.last ?? leaf
        if top.isSelfIssued, error.presentedIssuers.isEmpty {
            return "the certificate is self-signed: pin it (fleetgate device pin), or have a CA issue one"
        }
        let issuer = quoted(top.issuerDescription)
        if let namesake = namesake(of: top, context) {
            if path.count > 1, let key = top.authorityKeyIdentifier, key == namesake.certificate.subjectKeyIdentifier {
                return "the chain leads to \(issuer), which is known (\(namesake.bundle)), but has more CAs than the "
                    + "path length of one of them allows"
            }
            return "a CA \(issuer) is known (\(namesake.bundle)), but with another key: was it renewed with a new key, "
                + "or is this another CA of the same name?"
        }
        let missing =
            error.presentedIssuers.isEmpty && !top.isSelfIssued
            ? "; if it is an intermediate CA, the device has to send it, or it can be configured (trust.intermediates)"
            : ""
        return "issuer \(issuer) is unknown; \(anchors(context))\(missing)"
    }

    private static func badSignature(_ error: TLSError, _ context: HintContext?) -> String {
        guard let leaf = error.peerCertificate else { return "" }
        let top = path(leaf, error.presentedIssuers).last ?? leaf
        if let namesake = namesake(of: top, context) {
            return "a CA \(quoted(top.issuerDescription)) is known (\(namesake.bundle)), but its key did not make the "
                + "signature: another CA of the same name, or a renewed one with a new key; or the device's key is "
                + "not the certificate's"
        }
        return "the device's key is not the certificate's, or the certificate was changed"
    }

    private static func namesake(of certificate: PeerCertificate, _ context: HintContext?) -> HintContext.Authority? {
        context?.authorities.first { $0.certificate.subject == certificate.issuer }
    }

    /// Follows the names upwards, from the leaf on.
    private static func path(_ leaf: PeerCertificate, _ issuers: [PeerCertificate]) -> [PeerCertificate] {
        var path = [leaf]
        var top = leaf
        for _ in issuers {
            guard !top.isSelfIssued, let issuer = issuers.first(where: { $0.subject == top.issuer }) else { break }
            path.append(issuer)
            top = issuer
        }
        return path
    }

    private static func anchors(_ context: HintContext?) -> String {
        guard let authorities = context?.authorities, !authorities.isEmpty else {
            return "no trust anchor is configured"
        }
        let names = authorities.prefix(authoritiesMax).map {
            "\(quoted($0.certificate.subjectDescription)) (\($0.bundle))"
        }
        let rest = authorities.count - names.count
        return "known anchors: " + names.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    // MARK: Validity

    private static func expired(_ error: TLSError, now: Int64) -> String {
        guard let leaf = error.peerCertificate, leaf.notAfter < now else {
            return "a CA certificate of the chain has expired"
        }
        return "the certificate expired \(Spans.text(now - leaf.notAfter)) ago: renew it; a profile can take such "
            + "devices in for their renewal (quarantine: expired)"
    }

    private static func notYetValid(_ error: TLSError, now: Int64) -> String {
        guard let leaf = error.peerCertificate, leaf.notBefore > now else {
            return "a CA certificate of the chain is not valid yet: is this machine's clock right?"
        }
        let span = leaf.notBefore - now
        // Beyond two days no clock of an issuer is likely to be off.
        let cause =
            span <= 172_800
            ? "is the clock of this machine or of the issuing CA wrong? (trust.clock-skew)"
            : "was it issued in advance?"
        return "the certificate is not yet valid, by \(Spans.text(span)): \(cause)"
    }

    private static func weakKey(_ error: TLSError) -> String {
        let rule = "a key of the chain is too small or on a curve that is not accepted (rsa-bits-min, curve-bits-min)"
        guard let leaf = error.peerCertificate else { return rule }
        return "\(rule); the device's own is \(CertificateNames.text(of: leaf.keyAlgorithm)), \(leaf.keyBits) bits"
    }

    // MARK: The offer

    private static func notTLS(_ error: TLSError) -> String {
        if error.detail.contains("MQTT") {
            return "the first bytes are plain MQTT: the device does not use TLS"
        }
        if error.detail.contains("PROXY") {
            return "a load balancer sends the PROXY protocol: switch it off there"
        }
        if error.detail.contains("HTTP") || error.detail.contains("SSH") {
            return "this is no device: a browser, a health check or a scanner"
        }
        return "the device does not speak TLS, or this is a scanner"
    }

    private static func noSharedVersion(_ error: TLSError, _ context: HintContext?) -> String {
        let wanted = context.map { "; the listener takes \($0.versions.lowerBound) to \($0.versions.upperBound)" } ?? ""
        guard let hello = error.clientHello, let highest = hello.versions.filter(OfferNames.isNoGrease).max() else {
            return "the device offers no version of TLS that is taken\(wanted)"
        }
        return "the device offers only up to \(OfferNames.version(highest))\(wanted)"
    }

    private static func noSharedCipher(_ error: TLSError, _ context: HintContext?) -> String {
        guard let hello = error.clientHello else { return "no cipher suite, group or signature algorithm in common" }
        let offer = JournalRecord.Offer(hello)
        if let context {
            let suites = Set(context.cipherSuites.map(\.rawValue))
            if suites.isDisjoint(with: hello.cipherSuites) {
                return "no suite in common: offered \(list(offer.cipherSuites))"
            }
            let groups = Set(context.namedGroups.map(\.rawValue))
            if !hello.namedGroups.isEmpty, groups.isDisjoint(with: hello.namedGroups) {
                return "no group in common: offered \(list(offer.groups))"
            }
        }
        return "suites and groups are in common; the suites may need a server certificate with another kind of key "
            + "(RSA or ECDSA). Offered: \(list(offer.cipherSuites)); \(list(offer.groups))"
    }

    private static func noSharedProtocol(_ error: TLSError, _ context: HintContext?) -> String {
        let offered = error.clientHello.map { list($0.applicationProtocols) } ?? "others"
        let wanted = context.map { list($0.applicationProtocols) } ?? "mqtt"
        return "the device offers the application protocols \(offered); taken: \(wanted), or none at all"
    }

    private static func list(_ names: [String]) -> String {
        let names = names.filter { !$0.hasSuffix("_SCSV") }
        guard names.count > 6 else { return names.isEmpty ? "nothing" : names.joined(separator: ", ") }
        return names.prefix(6).joined(separator: ", ") + " and \(names.count - 6) more"
    }

    // MARK: The device's own objections

    private static func eof(_ error: TLSError) -> String {
        guard error.clientHello != nil else {
            return "the peer closed before a ClientHello: a health check or a scanner"
        }
        return "the device closed during the handshake without saying why: often it does not trust the gateway's "
            + "certificate, or it ran out of memory"
    }

    private static func peerAlert(_ error: TLSError) -> String {
        guard let alert = error.alertReceived else { return "" }
        switch alert {
        case .unknownCA:
            return
                "the device sent unknown_ca: it does not trust the gateway's certificate (is the CA of the gateway's "
                + "certificate on the device?)"
        case .badCertificate, .unsupportedCertificate, .certificateUnknown:
            return "the device refuses the gateway's certificate (\(alert)): does it know the CA, and is the name that "
                + "it connects to in the certificate?"
        case .certificateExpired:
            return
                "the device takes the gateway's certificate for expired or not valid yet: is the device's clock right?"
        case .certificateRevoked:
            return "the device takes the gateway's certificate for revoked"
        case .protocolVersion:
            return "the device does not speak the version of TLS that was chosen"
        case .handshakeFailure:
            return "the device found nothing in common, or refuses the gateway's certificate"
        case .internalError:
            return "the device failed by itself: often it ran out of memory"
        case _:
            return "the device ended the handshake with \(alert)"
        }
    }

    private static func quoted(_ name: String) -> String {
        "\"\(LogText.visible(name).prefix(256))\""
    }
}

extension PeerCertificate {
    /// Whether it is a CA's, and its key usage, if there is any, has keyCertSign (RFC 5280 sections 4.2.1.3 and 4.2.1.9).
    fileprivate var maySignCertificates: Bool { isCA && keyUsage.map { $0 & 0x20 != 0 } ?? true }
}

/// Spans of time as people say them.
enum Spans {
    /// `40 s`, `12 min`, `3 h`, `12 days`: one unit, rounded down, at least 1 of it.
    static func text(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(max(seconds, 1)) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        case _: "\(seconds / 86_400) days"
        }
    }
}
