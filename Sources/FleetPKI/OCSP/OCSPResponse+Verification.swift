import Foundation
import SwiftASN1
import X509

extension OCSPResponse {
    /// Checks everything about a response, and gives what it says of one certificate.
    ///
    /// In this order: which certificate it is about, its dates, its nonce, and who has signed it. The CA is meant with
    /// its name and key, so that of two CAs with one name only the right one counts.
    ///
    /// - Parameters:
    ///   - issuer: The CA that issued the certificate in question.
    ///   - serialNumber: The certificate's; leading zeros do not matter.
    ///   - nonce: What the request carried; nil: none, or the response is one that was kept.
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    ///   - isRevoked: Whether the CA's revocation list has the serial number (without leading zeros) of a delegated
    ///     responder's certificate. Asked unless that says id-pkix-ocsp-nocheck.
    /// - Throws: ``PKIError``, one code for each reason: the `ocsp-…` ones.
    public func verify(
        issuer: OCSPIssuer, serialNumber: [UInt8], nonce: [UInt8]?, terms: OCSPTerms, now: Int64,
        isRevoked: (_ serialNumber: [UInt8]) -> Bool = { _ in false }
    ) throws(PKIError) -> OCSPAnswer {
        let single = try self.single(issuer: issuer, serialNumber: Array(serialNumber.drop { $0 == 0 }))
        try self.requireTimely(single, terms: terms, now: now)
        let hasNonce = try self.requireNonce(nonce, rule: terms.nonce)
        let signer = try self.signer(issuer: issuer, terms: terms, now: now, isRevoked: isRevoked)

        var usableUntil = Self.sum(now, terms.maxAge)
        usableUntil = min(usableUntil, single.nextUpdate ?? Self.sum(single.thisUpdate, terms.maxAge))
        switch signer {
        case .issuer, .delegate(_, isNoCheck: true): break
        case .delegate(_, isNoCheck: false):
            usableUntil = min(usableUntil, Self.sum(now, OCSPTerms.uncheckedDelegateAgeMax))
        }
        return OCSPAnswer(
            status: single.status, producedAt: self.producedAt, thisUpdate: single.thisUpdate,
            nextUpdate: single.nextUpdate, usableUntil: usableUntil, signer: signer, hasNonce: hasNonce)
    }

    private func single(issuer: OCSPIssuer, serialNumber: [UInt8]) throws(PKIError) -> Single {
        let ofIssuer = self.singles.filter { $0.certificate?.names(issuer) ?? false }
        guard !ofIssuer.isEmpty else {
            throw PKIError(
                code: .ocspIssuerMismatch, message: "the OCSP response is not about a certificate of this CA")
        }
        let matching = ofIssuer.filter { $0.certificate?.serialNumber == serialNumber }
        guard let single = matching.first else {
            throw PKIError(
                code: .ocspSerialMismatch, message: "the OCSP response is about another certificate of this CA")
        }
        guard matching.count == 1 else {
            throw PKIError(
                code: .ocspSeveralAnswers, message: "the OCSP response has \(matching.count) answers on one certificate"
            )
        }
        return single
    }

    private func requireTimely(_ single: Single, terms: OCSPTerms, now: Int64) throws(PKIError) {
        let latest = Self.sum(now, terms.clockSkew)
        guard single.thisUpdate <= latest, self.producedAt <= latest else {
            throw PKIError(
                code: .ocspNotYetValid,
                message: "the OCSP response is of the future, by \(max(single.thisUpdate, self.producedAt) - now) s")
        }
        if let nextUpdate = single.nextUpdate {
            guard Self.sum(nextUpdate, terms.clockSkew) >= now else {
                throw PKIError(
                    code: .ocspOutdated, message: "the OCSP response is out of date, by \(now - nextUpdate) s")
            }
        } else {
            guard Self.sum(Self.sum(single.thisUpdate, terms.maxAge), terms.clockSkew) >= now else {
                throw PKIError(
                    code: .ocspTooOld,
                    message: "the OCSP response has no nextUpdate and is \(now - single.thisUpdate) s old")
            }
        }
    }

    /// Whether the response repeats the nonce.
    private func requireNonce(_ sent: [UInt8]?, rule: OCSPNonceRule) throws(PKIError) -> Bool {
        switch rule {
        case .off: return false
        case .optional, .required:
            guard let sent else { return false }
            guard let nonce = self.nonce else {
                if rule == .optional { return false }
                throw PKIError(code: .ocspNonceMissing, message: "the OCSP response is without the request's nonce")
            }
            guard nonce == sent else {
                throw PKIError(
                    code: .ocspNonceMismatch, message: "the OCSP response has another nonce than the request")
            }
            return true
        }
    }

    private func signer(
        issuer: OCSPIssuer, terms: OCSPTerms, now: Int64, isRevoked: ([UInt8]) -> Bool
    ) throws(PKIError) -> OCSPAnswer.Signer {
        var refusal: PKIError?
        if self.isResponder(subject: issuer.subject[...], keyHash: issuer.keyHash) {
            if self.isSigned(by: issuer.certificate.publicKey) { return .issuer }
            refusal = Self.signatureInvalid
        }
        for der in self.certificates {
            // What cannot be read is not the signer's certificate, whose key has to be one that can be used.
            guard let certificate = try? Certificate(der: der), let parts = try? OCSPCertificateParts(der: der),
                self.isResponder(subject: parts.subject, keyHash: OCSPDigest.sha1.hash(parts.key))
            else { continue }
            do {
                return try self.delegate(
                    certificate, parts, issuer: issuer, terms: terms, now: now, isRevoked: isRevoked)
            } catch {
                refusal = error
            }
        }
        throw refusal
            ?? PKIError(
                code: .ocspUnknownResponder,
                message: "the OCSP response is signed by neither the CA nor the owner of a certificate in it")
    }

    private func isResponder(subject: ArraySlice<UInt8>, keyHash: [UInt8]) -> Bool {
        switch self.responder {
        case .name(let name): subject.elementsEqual(name)
        case .keyHash(let hash): hash == keyHash
        }
    }

    private func isSigned(by key: Certificate.PublicKey) -> Bool {
        self.algorithm.known.isValid(self.signature[...], for: self.signedOctets[...], by: key)
    }

    /// RFC 6960 section 4.2.2.2.
    private func delegate(
        _ certificate: Certificate, _ parts: OCSPCertificateParts, issuer: OCSPIssuer, terms: OCSPTerms, now: Int64,
        isRevoked: ([UInt8]) -> Bool
    ) throws(PKIError) -> OCSPAnswer.Signer {
        let subject = certificate.subject.rfc4514
        guard OCSPSignatureAlgorithm.isAccepted(certificate.signatureAlgorithm) else {
            throw OCSPSignatureAlgorithm.weakSignature("the certificate of the OCSP responder \"\(subject)\"")
        }
        guard issuer.hasIssued(certificate, parts) else {
            throw PKIError(
                code: .ocspResponderNotDelegated,
                message: "the certificate of the OCSP responder \"\(subject)\" was not issued by the CA itself")
        }
        let moment = Date(timeIntervalSince1970: Double(now))
        let skew = Double(terms.clockSkew)
        guard certificate.notValidBefore <= moment + skew, moment - skew <= certificate.notValidAfter else {
            throw PKIError(
                code: .ocspResponderNotValid,
                message: "the certificate of the OCSP responder \"\(subject)\" has expired or is not valid yet")
        }
        let isNoCheck = try Self.requirePurpose(certificate, subject)
        guard isNoCheck || !isRevoked(Array(certificate.serialNumber.bytes.drop { $0 == 0 })) else {
            throw PKIError(
                code: .ocspResponderRevoked,
                message: "the certificate of the OCSP responder \"\(subject)\" was revoked")
        }
        guard self.isSigned(by: certificate.publicKey) else { throw Self.signatureInvalid }
        return .delegate(subject: subject, isNoCheck: isNoCheck)
    }

    /// Whether the certificate says id-pkix-ocsp-nocheck.
    private static func requirePurpose(_ certificate: Certificate, _ subject: String) throws(PKIError) -> Bool {
        let reading = ExtensionReading(certificate.extensions)
        let noCheck = OCSPIdentifier.noCheck.dotted
        guard reading.malformed.isEmpty, reading.unknownCritical.allSatisfy({ $0 == noCheck }) else {
            throw PKIError(
                code: .ocspResponderExtension,
                message: "the certificate of the OCSP responder \"\(subject)\" has an extension that is not understood")
        }
        // "Any" does not do: the CA has to have meant it.
        let purposes = try? certificate.extensions.extendedKeyUsage
        guard let purposes, purposes.contains(.ocspSigning) else {
            throw PKIError(
                code: .ocspResponderPurpose,
                message: "the certificate of the OCSP responder \"\(subject)\" is not for OCSP (id-kp-OCSPSigning)")
        }
        if let usage = try? certificate.extensions.keyUsage, !usage.digitalSignature {
            throw PKIError(
                code: .ocspResponderKeyUsage,
                message: "the key usage of the OCSP responder \"\(subject)\" is without digitalSignature")
        }
        return certificate.extensions[oid: OCSPIdentifier.noCheck] != nil
    }

    private static let signatureInvalid = PKIError(
        code: .ocspSignatureInvalid, message: "the signature of the OCSP response is not that of who it says")

    /// Without overflow: dates come from outside.
    private static func sum(_ time: Int64, _ seconds: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(seconds)
        return overflow ? .max : sum
    }
}
