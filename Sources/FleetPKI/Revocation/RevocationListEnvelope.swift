import SwiftASN1

/// Where the parts of a list stand in its DER (RFC 5280 section 5.1), and what the small ones say.
struct RevocationListEnvelope {
    /// The whole list.
    let der: [UInt8]
    /// tbsCertList, which is what is signed.
    let signed: Range<Int>
    /// The issuer's Name in DER.
    let issuer: Range<Int>
    let thisUpdate: Int64
    let nextUpdate: Int64?
    /// The content of revokedCertificates; empty: there are none.
    let entries: Range<Int>
    /// Whether it is of version 2, which alone may have extensions.
    let mayHaveExtensions: Bool
    let extensions: RevocationListExtensions
    /// AlgorithmIdentifier in DER.
    let algorithm: Range<Int>
    let signature: Range<Int>

    static let malformed = PKIError(
        code: .malformedRevocationList, message: "not a certificate revocation list in DER (RFC 5280 section 5)")

    static func malformed(_ what: String) -> PKIError {
        PKIError(code: .malformedRevocationList, message: "the certificate revocation list is malformed: \(what)")
    }

    /// The longest Name, and the most that extensions of a list may take, in octets: names of CAs have some hundred, and
    /// lists of distribution points a few thousand.
    private static let partOctetsMax = 1 << 16

    /// Reads a list's parts; its entries are not looked at.
    ///
    /// - Throws: ``PKIError``: `malformed-crl`, `input-too-long`, and those of ``RevocationListExtensions``.
    init(der: [UInt8]) throws(PKIError) {
        guard der.count <= CertificateRevocationList.octetsMax else {
            throw PKIError(
                code: .inputTooLong,
                message: "the revocation list is longer than \(CertificateRevocationList.octetsMax) octets")
        }
        let bytes = der.span
        guard let list = DERElement.read(bytes, at: 0, before: bytes.count), list.tag == DERTag.sequence else {
            throw Self.malformed
        }
        guard list.end == bytes.count else { throw Self.malformed("octets follow it") }
        var parts = DERCursor(list.content)
        guard let signed = parts.next(bytes, DERTag.sequence), let algorithm = parts.next(bytes, DERTag.sequence),
            let signature = parts.next(bytes, DERTag.bitString), parts.isAtEnd
        else { throw Self.malformed }
        // The first octet of a BIT STRING counts the bits that are not used; signatures have none.
        guard let unused = signature.content.first, bytes[unused] == 0 else {
            throw Self.malformed("its signature is no string of octets")
        }
        var fields = DERCursor(signed.content)
        let version = fields.next(bytes, DERTag.integer)
        if let version {
            // v2 is written as 1, and v1 by leaving it out.
            guard version.content.count == 1, bytes[version.content.lowerBound] == 1 else {
                throw Self.malformed("it is not of version 1 or 2")
            }
        }
        guard let inner = fields.next(bytes, DERTag.sequence), let issuer = fields.next(bytes, DERTag.sequence) else {
            throw Self.malformed
        }
        guard Self.areEqual(inner.whole, algorithm.whole, bytes) else {
            throw Self.malformed("it names two signature algorithms")
        }
        guard issuer.content.count <= Self.partOctetsMax else { throw Self.malformed("its issuer's name is too long") }
        guard let made = fields.next(bytes), let thisUpdate = ListTime.seconds(made, bytes) else {
            throw Self.malformed("its thisUpdate is no time")
        }
        var nextUpdate: Int64?
        if let next = fields.peek(bytes), next.tag == DERTag.utcTime || next.tag == DERTag.generalizedTime {
            guard let seconds = ListTime.seconds(next, bytes) else { throw Self.malformed("its nextUpdate is no time") }
            nextUpdate = seconds
            _ = fields.next(bytes)
        }
        let entries = fields.next(bytes, DERTag.sequence)
        var extensions = RevocationListExtensions()
        if let tagged = fields.next(bytes, DERTag.explicit0) {
            guard version != nil else { throw Self.malformed("it is of version 1 and has extensions") }
            guard tagged.content.count <= Self.partOctetsMax else {
                throw Self.malformed("its extensions are too long")
            }
            try extensions.read(der[tagged.content])
        }
        guard fields.isAtEnd else { throw Self.malformed }
        self.der = der
        self.signed = signed.whole
        self.issuer = issuer.whole
        self.thisUpdate = thisUpdate
        self.nextUpdate = nextUpdate
        self.entries = entries?.content ?? signed.end..<signed.end
        self.mayHaveExtensions = version != nil
        self.extensions = extensions
        self.algorithm = algorithm.whole
        self.signature = signature.content.dropFirst()
    }

    /// The list's header.
    ///
    /// - Parameter entryCount: How many entries have been walked.
    func header(entryCount: Int) -> RevocationListHeader {
        RevocationListHeader(
            issuerNameDER: Array(self.der[self.issuer]),
            authorityKeyIdentifier: self.extensions.authorityKeyIdentifier, number: self.extensions.number,
            thisUpdate: self.thisUpdate, nextUpdate: self.nextUpdate,
            signatureAlgorithm: ListSignature(encoded: self.der[self.algorithm])?.name ?? "unknown",
            entryCount: entryCount, distributionPoints: self.extensions.distributionPoints,
            onlyUserCertificates: self.extensions.onlyUserCertificates,
            onlyCACertificates: self.extensions.onlyCACertificates)
    }

    private static func areEqual(_ left: Range<Int>, _ right: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { bytes[$0] == bytes[$1] }
    }
}
