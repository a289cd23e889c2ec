import Foundation

@testable import FleetPKI

/// What somebody gives out as a CA's revocation list or a responder's answer, given to what reads it: the entry points of
/// the fuzz targets, which a test calls too. Each returns for any bytes; what must hold of anything that was read is a
/// precondition, so that a fuzzer stops there.
public enum HostileRevocation {
    /// The CA of the corpus, in DER. Its key is gone, and no clock is asked: it never expires here.
    private static let issuer: [UInt8] = {
        let base64 = """
            MIIBaDCCAQ6gAwIBAgIUM7E0WYpyHyjor23j4opLrUFQuigwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yNjEx
            MjExMjM2NThaFw0zNjExMTgxMjM2NThaMBIxEDAOBgNVBAMMB0Z1enogQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATaFZ2S
            Sq4Opi/6JLdnI6Vc7QX8vWCWNK37fuSC7nGOznEkWNGJDT1KalEviNuVaSvIha7JFfflxpK9Bp75Yakfo0IwQDAPBgNVHRMBAf8E
            BTADAQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUnXDZVAzy0xcFnLvuUzYwQc5H0cEwCgYIKoZIzj0EAwIDSAAwRQIgIJVZ
            uCFRf8nWhSGdhhkuje3Xw8RDzsNqy6oj75gNzdQCIQCQeABZDwLmGb9C7ng2Amlv06etr4OXASMAJZMcCnRV3Q==
            """
        return Data(base64Encoded: base64, options: .ignoreUnknownCharacters).map { Array($0) } ?? []
    }()
    private static let responderIssuer = try? OCSPIssuer(der: issuer)
    /// A minute after the responses of the corpus were made: 2026-11-21T12:38:20Z.
    private static let moment: Int64 = 1_795_264_700
    /// The devices that they are about.
    private static let serialNumbers: [[UInt8]] = [[1], [10]]

    /// A file of revocation lists: DER, or PEM.
    ///
    /// - Returns: whether it had a list, all could be read, and all are the CA's.
    @discardableResult
    public static func list(_ bytes: [UInt8]) -> Bool {
        guard let lists = try? CertificateRevocationList.encodings(in: bytes), !lists.isEmpty else { return false }
        return lists.count { self.isIssuers($0) } == lists.count
    }

    private static func isIssuers(_ der: [UInt8]) -> Bool {
        guard let header = try? CertificateRevocationList.header(of: der) else {
            precondition((try? CertificateRevocationList(der: der)) == nil, "what has no header can be read")
            return false
        }
        precondition(header.entryCount <= der.count / 5 && header.issuerNameDER.count < der.count)
        precondition(header.number.count <= 20 && header.distributionPoints.count < der.count)
        // The years 0 to 9999.
        let times: ClosedRange<Int64> = -62_167_219_200...253_402_300_799
        precondition(times.contains(header.thisUpdate) && header.nextUpdate.map(times.contains) ?? true)
        guard let envelope = try? RevocationListEnvelope(der: der), let list = try? CertificateRevocationList(der: der)
        else { preconditionFailure("what has a header cannot be read") }
        precondition(list.header == header && list.revoked.count == header.entryCount)
        let walked = try? envelope.forEachEntry { entry in
            precondition(envelope.entries.contains(entry.serialNumber.lowerBound))
            precondition(entry.serialNumber.upperBound <= envelope.entries.upperBound)
            precondition((1...21).contains(entry.serialNumber.count) && (0...255).contains(entry.reason))
            precondition(times.contains(entry.revokedAt))
        }
        precondition(walked == header.entryCount)
        precondition((try? CertificateRevocationList.encodings(in: Array(list.pem.utf8))) == [der])
        var scanned = 0
        let signed = try? CertificateRevocationList.scan(der: der, issuedBy: self.issuer) { serialNumber, _, _ in
            precondition(serialNumber.first != 0)
            scanned += 1
        }
        precondition(scanned == (signed == nil ? 0 : header.entryCount), "entries of a list that nobody signed")
        return signed == header
    }

    /// A responder's answer on one of two devices.
    ///
    /// - Returns: whether it is one.
    @discardableResult
    public static func response(_ bytes: [UInt8]) -> Bool {
        guard let issuer = self.responderIssuer else { preconditionFailure("the CA cannot be read") }
        guard let response = try? OCSPResponse(der: bytes) else { return false }
        precondition(response.singles.count <= OCSPLimits.answersMax)
        precondition(response.certificates.count <= OCSPLimits.certificatesMax)
        let terms = OCSPTerms()
        let answers = self.serialNumbers.compactMap { serialNumber in
            try? response.verify(
                issuer: issuer, serialNumber: serialNumber, nonce: nil, terms: terms, now: self.moment)
        }
        precondition(answers.allSatisfy { $0.usableUntil <= self.moment + terms.maxAge })
        return !answers.isEmpty
    }
}
