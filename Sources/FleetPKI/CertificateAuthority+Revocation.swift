public import Foundation
import SwiftASN1
import X509

extension CertificateAuthority {
    /// Makes a revocation list signed by this CA: X.509 version 2 (RFC 5280 section 5), complete (no delta), with CRL
    /// number and authority key identifier.
    ///
    /// - Parameters:
    ///   - revoked: What this CA has issued and taken back, each serial number once; at most
    ///     ``CertificateRevocationList/entriesMax``. May be empty.
    ///   - thisUpdate: Default: now. It, and the entries' dates, are written to the second.
    ///   - nextUpdate: After `thisUpdate`. Verifiers refuse every certificate of this CA when it has passed.
    ///   - number: Must be larger than that of the list before.
    /// - Throws: ``PKIError``: `crl-sign-missing`, `invalid-serial-number`, `invalid-validity`, `invalid-argument`,
    ///   `crypto-failure`.
    public func issueCRL(
        revoked: [RevokedCertificate],
        thisUpdate: Date = Date(),
        nextUpdate: Date,
        number: UInt64
    ) throws(PKIError) -> CertificateRevocationList {
        try self.requireRevocationSigning()
        guard revoked.count <= CertificateRevocationList.entriesMax else {
            throw PKIError(
                code: .invalidArgument,
                message: "a revocation list has at most \(CertificateRevocationList.entriesMax) entries"
            )
        }
        guard thisUpdate < nextUpdate else {
            throw PKIError(code: .invalidValidity, message: "the next update is not after this one")
        }
        var entries: [(serial: [UInt8], entry: RevokedCertificate)] = []
        entries.reserveCapacity(revoked.count)
        var seen: Set<[UInt8]> = []
        for entry in revoked {
            let serial = try entry.serialOctets()
            guard seen.insert(serial).inserted else {
                throw PKIError(
                    code: .invalidSerialNumber, message: "the serial number \(entry.serialNumber) is there twice")
            }
            entries.append((serial, entry))
        }
        for date in [thisUpdate, nextUpdate] + revoked.map(\.revokedAt) where !ListTime.canExpress(date) {
            throw PKIError(code: .invalidValidity, message: "a date is outside the years X.509 can express")
        }
        do {
            return try CertificateRevocationList(
                der: self.sign(entries: entries, thisUpdate: thisUpdate, nextUpdate: nextUpdate, number: number))
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(code: .cryptoFailure, message: "the revocation list could not be signed")
        }
    }

    /// A CA certificate without a key usage extension may sign anything (RFC 5280 section 4.2.1.3).
    private func requireRevocationSigning() throws(PKIError) {
        guard let usage = try? self.certificate.extensions.keyUsage, !usage.cRLSign else { return }
        throw PKIError(
            code: .revocationSigningNotAllowed,
            message:
                "the key usage of \"\(self.certificate.subject.rfc4514)\" does not allow it to sign revocation lists "
                + "(cRLSign)"
        )
    }

    private func sign(
        entries: [(serial: [UInt8], entry: RevokedCertificate)],
        thisUpdate: Date,
        nextUpdate: Date,
        number: UInt64
    ) throws -> [UInt8] {
        let algorithm = ListSignature(for: self.key.publicKey)
        var signed = DER.Serializer()
        try signed.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(1)
            try algorithm.serialize(into: &coder)
            try coder.serialize(self.certificate.subject)
            try ListTime.serialize(thisUpdate, into: &coder)
            try ListTime.serialize(nextUpdate, into: &coder)
            // An empty list is written by leaving it out (RFC 5280 section 5.1.2.6).
            if !entries.isEmpty {
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    for (serial, entry) in entries { try Self.serialize(entry, serial: serial, into: &coder) }
                }
            }
            try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    let keyIdentifier = try Certificate.Extension(
                        AuthorityKeyIdentifier(keyIdentifier: self.keyIdentifier), critical: false)
                    try Self.serialize(keyIdentifier.oid, keyIdentifier.value, into: &coder)
                    var value = DER.Serializer()
                    try value.serialize(number)
                    try Self.serialize(RevocationListExtensions.crlNumber, value.serializedBytes[...], into: &coder)
                }
            }
        }
        guard let signatureAlgorithm = algorithm.algorithm else {
            throw PKIError(code: .cryptoFailure, message: "the CA's key signs with no algorithm that is known here")
        }
        let signature = try self.key.certificateKey.sign(
            bytes: signed.serializedBytes, signatureAlgorithm: signatureAlgorithm)
        var list = DER.Serializer()
        try list.appendConstructedNode(identifier: .sequence) { coder in
            coder.serializeRawBytes(signed.serializedBytes)
            try algorithm.serialize(into: &coder)
            try coder.serialize(ASN1BitString(bytes: signature.rawRepresentation[...]))
        }
        return list.serializedBytes
    }

    private static func serialize(
        _ entry: RevokedCertificate,
        serial: [UInt8],
        into coder: inout DER.Serializer
    ) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            coder.appendPrimitiveNode(identifier: .integer) { $0.append(contentsOf: serial) }
            try ListTime.serialize(entry.revokedAt, into: &coder)
            if let reason = entry.reason {
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    let value: [UInt8] = [0x0A, 0x01, UInt8(truncatingIfNeeded: reason.rawValue)]  // ENUMERATED
                    try self.serialize(RevocationListExtensions.reasonCode, value[...], into: &coder)
                }
            }
        }
    }

    /// An Extension that is not critical, as all of a list's are here.
    private static func serialize(
        _ identifier: ASN1ObjectIdentifier,
        _ value: ArraySlice<UInt8>,
        into coder: inout DER.Serializer
    ) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(identifier)
            try coder.serialize(ASN1OctetString(contentBytes: value))
        }
    }
}
