import FleetPolicy
import Foundation
import Gateway

/// What goes over the admin socket about live sessions.
enum SessionExchange {
    static let listRoute = "sessions/list"
    static let endRoute = "sessions/end"

    /// Which sessions are meant: exactly one of these, or for a listing none.
    struct Selection: Codable, Sendable, Hashable {
        var device: DeviceKey?
        var tenant: String?
        var profile: String?
        /// The name of a bundle of trust anchors.
        var anchors: String?
        /// SHA-256 of the leaf, in hexadecimal.
        var fingerprint: String?
        /// Serial number of the leaf, in hexadecimal, with ``issuer``.
        var serial: String?
        /// The issuer's id (`fleetgate crl status`), in hexadecimal: with ``serial`` one certificate, without it all that
        /// have the CA in their chain.
        var issuer: String?

        /// How many of them are given.
        var count: Int {
            [device != nil, tenant != nil, profile != nil, anchors != nil, fingerprint != nil, issuer != nil].count {
                $0
            }
        }
    }

    struct End: Codable, Sendable, Hashable {
        var selection: Selection
        var reason: String
    }

    struct Ended: Codable, Sendable, Hashable {
        var sessions: Int
    }

    /// A session as it is shown.
    struct Row: Codable, Sendable, Hashable {
        let device: DeviceKey
        let profile: String
        let address: String
        let listener: String
        let since: Date
        let clientID: String?
        let quarantine: String?
        let fingerprint: String
        let anchors: String?
        let resumed: Bool

        enum CodingKeys: String, CodingKey {
            case device, profile, address, listener, since
            case clientID = "client-id"
            case quarantine, fingerprint, anchors, resumed
        }

        init(_ session: LiveSession, anchors: [[UInt8]: String]) {
            device = session.key
            profile = session.profile
            address = session.remoteAddress
            listener = session.listener
            since = Date(timeIntervalSince1970: TimeInterval(session.since))
            clientID = session.clientID
            quarantine = session.quarantine?.rawValue
            fingerprint = HexadecimalText.text(session.certificateSHA256)
            self.anchors = session.trustAnchorSHA256.flatMap { anchors[$0] }
            resumed = session.isResumed
        }
    }

    /// Bytes of the reason that is given for an end.
    static let reasonBytesMax = 256
}

extension SessionExchange.Selection {
    /// What the gateway is asked for; several for a bundle with several anchors. Nil: all.
    ///
    /// - Parameter anchors: The names of bundles by the fingerprint of their anchors.
    /// - Throws: ``SessionExchange/BadSelection``.
    func selections(
        anchors names: [[UInt8]: String]
    ) throws(SessionExchange.BadSelection) -> [SessionSelection]? {
        guard count <= 1, serial == nil || issuer != nil else {
            throw SessionExchange.BadSelection("give one selection; a serial number goes with its issuer")
        }
        if let device { return [.device(device)] }
        if let tenant { return [.tenant(tenant)] }
        if let profile { return [.profile(profile)] }
        if let anchors {
            let found = names.filter { $0.value == anchors }.map { SessionSelection.trustAnchor($0.key) }
            guard !found.isEmpty else { throw SessionExchange.BadSelection("there are no anchors `\(anchors)`") }
            return found
        }
        if let fingerprint {
            guard let bytes = HexadecimalText.bytes(fingerprint), bytes.count == 32 else {
                throw SessionExchange.BadSelection("the fingerprint is not a SHA-256 hash in hexadecimal")
            }
            return [.fingerprint(bytes)]
        }
        guard let issuer else { return nil }
        guard let authority = HexadecimalText.bytes(issuer).flatMap({ AuthorityID($0) }) else {
            throw SessionExchange.BadSelection("the issuer is not an id of 32 bytes in hexadecimal")
        }
        guard let serial else { return [.authority(authority)] }
        guard let number = HexadecimalText.bytes(serial.count % 2 == 0 ? serial : "0" + serial), number.count <= 21
        else {
            throw SessionExchange.BadSelection("the serial number is not one in hexadecimal")
        }
        return [.certificate(CertificateID(issuer: authority, serialNumber: number))]
    }
}

extension SessionExchange {
    /// A selection that names nothing. The operator's fault.
    struct BadSelection: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}
