import Crypto
public import Foundation
import SwiftASN1
public import X509

extension CertificateAuthority {
    /// How long before now a certificate begins, in seconds: what a device's clock may be behind.
    public static let backdating: TimeInterval = 300
    /// How long from now a certificate lasts when its template does not say, in seconds.
    public static let defaultLifetime: TimeInterval = 365 * 86_400

    /// Makes a key and a certificate for it.
    ///
    /// - Throws: ``PKIError``: what the template has wrong (`invalid-…`), `ca-not-valid`, `path-length-exceeded`,
    ///   `crypto-failure`.
    public func issue(_ template: CertificateTemplate) throws(PKIError) -> IssuedCertificate {
        let key = try KeyPair.generate(template.keyType)
        return IssuedCertificate(signed: try self.issue(template, for: key.publicKey), key: key)
    }

    /// Makes a certificate for a key given. The template's `keyType` is not used.
    ///
    /// - Throws: As ``issue(_:)``.
    public func issue(
        _ template: CertificateTemplate,
        for publicKey: Certificate.PublicKey
    ) throws(PKIError) -> SignedCertificate {
        let now = Date()
        if !template.allowsViolations {
            try self.requireAble(toIssue: template, at: now)
        }
        let certificate = try Self.sign(
            template,
            subject: try template.distinguishedName(),
            publicKey: publicKey,
            issuer: self.certificate.subject,
            issuerKey: self.key,
            issuerKeyIdentifier: self.keyIdentifier,
            notBefore: template.notBefore ?? now - Self.backdating,
            notAfter: template.notAfter ?? min(now + Self.defaultLifetime, self.certificate.notValidAfter)
        )
        return try SignedCertificate(certificate, intermediatesPEM: self.intermediatesPEM)
    }

    /// Makes a key and a certificate signed with that same key: a root, or a device known by its fingerprint.
    ///
    /// - Throws: ``PKIError``: what the template has wrong (`invalid-…`), `crypto-failure`.
    public static func selfSigned(_ template: CertificateTemplate) throws(PKIError) -> IssuedCertificate {
        let key = try KeyPair.generate(template.keyType)
        let now = Date()
        let name = try template.distinguishedName()
        let certificate = try self.sign(
            template,
            subject: name,
            publicKey: key.publicKey,
            issuer: name,
            issuerKey: key,
            issuerKeyIdentifier: nil,
            notBefore: template.notBefore ?? now - self.backdating,
            notAfter: template.notAfter ?? now + self.defaultLifetime
        )
        return IssuedCertificate(signed: try SignedCertificate(certificate, intermediatesPEM: ""), key: key)
    }

    private func requireAble(toIssue template: CertificateTemplate, at now: Date) throws(PKIError) {
        let own = self.certificate
        guard (own.notValidBefore...max(own.notValidBefore, own.notValidAfter)).contains(now) else {
            throw PKIError(
                code: .authorityNotValid,
                message: "the CA certificate \"\(own.subject.rfc4514)\" has expired or is not valid yet"
            )
        }
        guard template.isCA else { return }
        if let constraints = try? own.extensions.basicConstraints,
            case .isCertificateAuthority(maxPathLength: 0) = constraints
        {
            throw PKIError(
                code: .pathLengthExceeded,
                message: "the path length of \"\(own.subject.rfc4514)\" is 0: no CA may stand below it"
            )
        }
        // A certificate whose issuer and subject are the same name is "self-issued": readers do not count it against
        // the path length and cannot tell it from its issuer by name (RFC 5280 section 4.2.1.9).
        guard try template.distinguishedName() != own.subject else {
            throw PKIError(code: .invalidSubject, message: "a CA below another needs a name of its own")
        }
    }

    /// - Parameter subject: Used instead of the template's.
    static func sign(
        _ template: CertificateTemplate,
        subject: DistinguishedName,
        publicKey: Certificate.PublicKey,
        issuer: DistinguishedName,
        issuerKey: KeyPair,
        issuerKeyIdentifier: ArraySlice<UInt8>?,
        notBefore: Date,
        notAfter: Date
    ) throws(PKIError) -> Certificate {
        try self.checkValidity(notBefore, notAfter, allowsViolations: template.allowsViolations)
        let serialNumber = try template.serial()
        let extensions = try self.extensions(template, publicKey: publicKey, issuerKeyIdentifier: issuerKeyIdentifier)
        do {
            return try Certificate(
                version: .v3,
                serialNumber: serialNumber,
                publicKey: publicKey,
                notValidBefore: notBefore,
                notValidAfter: notAfter,
                issuer: issuer,
                subject: subject,
                extensions: extensions,
                issuerPrivateKey: issuerKey.certificateKey
            )
        } catch {
            throw PKIError(code: .cryptoFailure, message: "the certificate could not be signed")
        }
    }

    /// Years 1950 to 9999 are what UTCTime and GeneralizedTime express together (RFC 5280 section 4.1.2.5).
    private static func checkValidity(
        _ notBefore: Date,
        _ notAfter: Date,
        allowsViolations: Bool
    ) throws(PKIError) {
        // Year 1 for tests; beyond that the conversion to a calendar date is not defined.
        let earliest = allowsViolations ? -62_135_596_800 : -631_152_000.0
        let latest = 253_402_300_799.0
        for date in [notBefore, notAfter] {
            guard (earliest...latest).contains(date.timeIntervalSince1970) else {
                throw PKIError(
                    code: .invalidValidity,
                    message: "a date of the validity is outside the years X.509 can express"
                )
            }
        }
        guard allowsViolations || notBefore < notAfter else {
            throw PKIError(code: .invalidValidity, message: "the end of the validity is not after its beginning")
        }
    }

    private static func extensions(
        _ template: CertificateTemplate,
        publicKey: Certificate.PublicKey,
        issuerKeyIdentifier: ArraySlice<UInt8>?
    ) throws(PKIError) -> Certificate.Extensions {
        var names: [GeneralName] = []
        for name in template.alternativeNames {
            names.append(try name.generalName())
        }
        let purposes = try template.extendedKeyUsage()
        if let length = template.maxPathLength, !template.isCA || length < 0 {
            throw PKIError(code: .invalidExtension, message: "a path length is not negative, and only for a CA")
        }
        do {
            var list: [Certificate.Extension] = [
                try .init(
                    template.isCA
                        ? BasicConstraints.isCertificateAuthority(maxPathLength: template.maxPathLength)
                        : .notCertificateAuthority,
                    critical: true
                )
            ]
            let usage = template.effectiveKeyUsage
            if !usage.isEmpty {
                list.append(try .init(KeyUsage(usage), critical: true))
            }
            if let purposes {
                list.append(try .init(purposes, critical: false))
            }
            list.append(
                try .init(SubjectKeyIdentifier(keyIdentifier: publicKey.derivedKeyIdentifier), critical: false)
            )
            if let issuerKeyIdentifier {
                list.append(try .init(AuthorityKeyIdentifier(keyIdentifier: issuerKeyIdentifier), critical: false))
            }
            if !names.isEmpty {
                list.append(try .init(SubjectAlternativeNames(names), critical: template.subject.isEmpty))
            }
            var extensions = try Certificate.Extensions(list)
            for raw in template.additionalExtensions {
                let oid = try ASN1ObjectIdentifier(checkedDotted: raw.oid)
                _ = extensions.update(.init(oid: oid, critical: raw.critical, value: raw.value[...]))
            }
            return extensions
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(code: .invalidExtension, message: "an extension of the template cannot be encoded")
        }
    }
}

extension Certificate.PublicKey {
    /// The leftmost 160 bits of SHA-256 over the key's BIT STRING (RFC 7093 section 2, method 1).
    var derivedKeyIdentifier: ArraySlice<UInt8> {
        Array(SHA256.hash(data: self.subjectPublicKeyInfoBytes)).prefix(20)
    }
}
