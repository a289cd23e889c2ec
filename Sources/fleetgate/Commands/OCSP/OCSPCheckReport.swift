import FleetPKI
import FleetPolicy

/// What `fleetgate ocsp check` prints.
struct OCSPCheckReport: Sendable, Hashable, Codable {
    enum Status: String, Sendable, Hashable, Codable {
        case good, revoked, unknown
    }

    let status: Status
    /// Of RFC 5280 section 5.3.1; absent unless revoked.
    let reason: String?
    let revokedAt: String?
    let subject: String
    let serialNumber: String
    let issuer: String
    let responder: String
    let thisUpdate: String
    /// Absent: newer information is to be had at any time.
    let nextUpdate: String?
    let producedAt: String
    /// `issuer`, or the subject of the delegated responder.
    let signer: String
    /// Whether a delegated responder's certificate says id-pkix-ocsp-nocheck; absent when the CA itself has signed.
    let isNoCheck: Bool?
    let hasNonce: Bool

    enum CodingKeys: String, CodingKey {
        case status, reason
        case revokedAt = "revoked-at"
        case subject
        case serialNumber = "serial"
        case issuer, responder
        case thisUpdate = "this-update"
        case nextUpdate = "next-update"
        case producedAt = "produced-at"
        case signer
        case isNoCheck = "no-check"
        case hasNonce = "nonce"
    }

    init(_ answer: OCSPAnswer, certificate: CertificateInspection, responder: String) {
        switch answer.status {
        case .good:
            status = .good
            reason = nil
            revokedAt = nil
        case .unknown:
            status = .unknown
            reason = nil
            revokedAt = nil
        case .revoked(let at, let number):
            status = .revoked
            reason = "\(RevocationReason(rawValue: number) ?? .unspecified)"
            revokedAt = DeviceTimes.text(at)
        }
        switch answer.signer {
        case .issuer:
            signer = "issuer"
            isNoCheck = nil
        case .delegate(let subject, let noCheck):
            signer = subject
            isNoCheck = noCheck
        }
        subject = certificate.subject
        serialNumber = certificate.serialNumber
        issuer = certificate.issuer
        self.responder = responder
        thisUpdate = DeviceTimes.text(answer.thisUpdate)
        nextUpdate = answer.nextUpdate.map { DeviceTimes.text($0) }
        producedAt = DeviceTimes.text(answer.producedAt)
        hasNonce = answer.hasNonce
    }

    var text: String {
        var rows = [["Status", status.rawValue]]
        if let revokedAt { rows.append(["Revoked", "\(revokedAt), \(reason ?? "")"]) }
        rows += [
            ["Certificate", subject.isEmpty ? "(empty)" : subject], ["Serial number", serialNumber],
            ["Issuer", issuer], ["Responder", responder], ["This update", thisUpdate],
            ["Next update", nextUpdate ?? "(at any time)"], ["Produced", producedAt],
            ["Signed by", signer == "issuer" && isNoCheck == nil ? "the issuer itself" : signer],
        ]
        if let isNoCheck { rows.append(["No check", isNoCheck ? "yes" : "no: used for 10 minutes at most"]) }
        rows.append(["Nonce", hasNonce ? "repeated" : "none"])
        return AlignedColumns.text(rows)
    }
}
