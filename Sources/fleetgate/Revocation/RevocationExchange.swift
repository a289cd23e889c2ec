import FleetPolicy
import Foundation
import NIOMbedTLS

/// What goes over the admin socket for `fleetgate revoke` and `fleetgate crl`.
enum RevocationExchange {
    /// Takes a ``Command``, answers with an ``Outcome``.
    static let changeRoute = "revocation/change"
    /// Items are `LocalRevocation`, in the order in which they were made.
    static let listRoute = "revocation/list"
    /// Answers with a ``RevocationStatus``, whose lists have gone before as items.
    static let statusRoute = "revocation/status"

    /// Revokes certificates, or takes that back.
    struct Command: Sendable, Hashable, Codable {
        enum Action: String, Sendable, Hashable, Codable {
            case revoke, undo

            /// As the audit log names it, among all that operators do.
            var auditWord: String {
                switch self {
                case .revoke: "revoke"
                case .undo: "revoke-undo"
                }
            }
        }

        var action: Action
        var target: Target
        /// The name of RFC 5280 section 5.3.1.
        var reason: String
        /// What it is, for people.
        var note: String
    }

    /// Which certificates are meant.
    enum Target: Sendable, Hashable, Codable {
        /// SHA-256, in hexadecimal.
        case fingerprint(String)
        /// The DER of the certificate itself, in hexadecimal.
        case leaf(String)
        /// The CA's id and the serial number, in hexadecimal.
        case certificate(issuer: String, serialNumber: String)
        /// Those that it is live with, or, to undo, those that were revoked by its name.
        case device(DeviceKey)
    }

    struct Outcome: Sendable, Hashable, Codable {
        /// What was revoked, or is not revoked any more.
        var changed: [LocalRevocation]
        /// How many sessions ended; nil: no gateway runs.
        var sessionsEnded: Int?

        enum CodingKeys: String, CodingKey {
            case changed
            case sessionsEnded = "sessions-ended"
        }
    }

    /// One entry of a long answer.
    enum StatusItem: Sendable, Hashable, Codable {
        case authority(ListStatus)
        case source(SourceStatus)
    }
}

/// A certificate that a device is live with.
struct LiveCertificate: Sendable, Hashable {
    /// SHA-256.
    var fingerprint: [UInt8]
    /// What revocation calls it; nil: no trust anchor issued it.
    var certificate: CertificateID?
    /// Its subject, for people.
    var subject: String

    /// By issuer and serial number if that can be. Whoever has the key of a certificate can give it another fingerprint:
    /// of an ECDSA signature (r, s) there is always a second form, (r, n - s).
    var target: LocalRevocation.Target { certificate.map { .certificate($0) } ?? .fingerprint(fingerprint) }
}

/// What a running gateway knows of certificates that an operator names.
struct RevocationKnowledge: Sendable {
    /// What a device is live with.
    let certificates: @Sendable (DeviceKey) async -> [LiveCertificate]
    /// What revocation calls the CA that signed a certificate, given in DER; nil: it is not known.
    let issuer: @Sendable ([UInt8]) async -> AuthorityID?
}

extension LocalRevocations {
    /// Does what a command asks for, in the file.
    ///
    /// - Parameters:
    ///   - actor: Who gives it.
    ///   - knowledge: Nil: no gateway runs.
    /// - Returns: What has changed.
    /// - Throws: ``RevocationProblem``: `bad-target`, `bad-reason`, `not-live`, and those of ``add(_:)``.
    func apply(
        _ command: RevocationExchange.Command, by actor: String, at moment: Date,
        knowledge: RevocationKnowledge?
    ) async throws(RevocationProblem) -> [LocalRevocation] {
        guard let reason = RevocationReason(name: command.reason), reason != .removeFromCRL else {
            throw RevocationProblem("bad-reason", "\(command.reason) is no reason of RFC 5280 section 5.3.1")
        }
        switch (command.action, command.target) {
        case (.revoke, .device(let key)):
            guard let knowledge else {
                throw RevocationProblem(
                    "not-live", "the gateway is not running, so no device is live: name the certificate")
            }
            let live = await knowledge.certificates(key)
            guard !live.isEmpty else {
                throw RevocationProblem("not-live", "\(key) has no session: name the certificate")
            }
            return try add(
                live.map { certificate in
                    LocalRevocation(
                        certificate.target, reason: reason, revokedAt: moment, by: actor,
                        note: command.note.isEmpty ? certificate.subject : command.note, device: "\(key)")
                })
        case (.undo, .device(let key)):
            let name = "\(key)"
            return try remove { $0.device == name }
        case (.revoke, let target):
            let meant = try await Self.targets(target, knowledge)
            return try add(
                meant.prefix(1).map {
                    LocalRevocation($0, reason: reason, revokedAt: moment, by: actor, note: command.note)
                })
        case (.undo, let target):
            let meant = try await Self.targets(target, knowledge)
            return try remove { $0.target.map(meant.contains) ?? false }
        }
    }

    /// Every way in which a certificate may have been revoked, the strongest first.
    private static func targets(
        _ target: RevocationExchange.Target, _ knowledge: RevocationKnowledge?
    ) async throws(RevocationProblem) -> [LocalRevocation.Target] {
        guard case .leaf(let text) = target else { return [try Self.target(target)] }
        guard let der = HexadecimalText.bytes(text), let certificate = try? PeerCertificate(parsing: der) else {
            throw RevocationProblem("bad-target", "it is not a certificate that can be read")
        }
        let live = LiveCertificate(
            fingerprint: certificate.sha256Fingerprint,
            certificate: await knowledge?.issuer(der).map {
                CertificateID(issuer: $0, serialNumber: certificate.serialNumber)
            }, subject: "")
        return live.certificate == nil ? [live.target] : [live.target, .fingerprint(live.fingerprint)]
    }

    private static func target(_ target: RevocationExchange.Target) throws(RevocationProblem) -> LocalRevocation.Target
    {
        switch target {
        case .fingerprint(let text):
            guard let bytes = HexadecimalText.bytes(text, separator: ":"), bytes.count == 32 else {
                throw RevocationProblem("bad-target", "a fingerprint is the SHA-256 of a certificate: 64 digits")
            }
            return .fingerprint(bytes)
        case .certificate(let issuer, let serialNumber):
            guard let id = HexadecimalText.bytes(issuer).flatMap(AuthorityID.init),
                let serial = HexadecimalText.bytes(serialNumber, separator: ":"),
                (1...SerialNumberSet.octetsMax).contains(serial.count)
            else {
                throw RevocationProblem(
                    "bad-target", "a certificate is named by its issuer and a serial number of 1 to 21 bytes")
            }
            return .certificate(CertificateID(issuer: id, serialNumber: serial))
        case .leaf, .device: throw RevocationProblem("bad-target", "it names no certificate")
        }
    }
}
