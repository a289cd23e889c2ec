import DeviceRegistry
import FleetPolicy
import Foundation

/// A device as `--json` shows it. The keys are stable.
struct DeviceListing: Encodable {
    struct Pin: Encodable {
        let pin: CertificatePin
        let added: String
    }

    struct Certificate: Encodable {
        let sha256: String
        let subject: String
        let notAfter: String

        enum CodingKeys: String, CodingKey {
            case sha256, subject
            case notAfter = "not-after"
        }
    }

    let record: DeviceRecord

    enum CodingKeys: String, CodingKey {
        case device, state
        case stateReason = "state-reason"
        case profile, pins, attributes, overrides, note
        case hasPassword = "has-password"
        case isSelfRegistered = "self-registered"
        case created, changed
        case firstSeen = "first-seen"
        case lastSeen = "last-seen"
        case lastAddress = "last-address"
        case lastCertificate = "last-certificate"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(record.key, forKey: .device)
        try container.encode(record.state, forKey: .state)
        try container.encode(record.stateReason, forKey: .stateReason)
        try container.encode(record.profile, forKey: .profile)
        try container.encode(
            record.pins.map { Pin(pin: $0.pin, added: DeviceTimes.text($0.addedAt)) }, forKey: .pins)
        try container.encode(record.attributes, forKey: .attributes)
        try container.encode(record.overrides, forKey: .overrides)
        try container.encode(record.note, forKey: .note)
        try container.encode(record.hasPassword, forKey: .hasPassword)
        try container.encode(record.isSelfRegistered, forKey: .isSelfRegistered)
        try container.encode(DeviceTimes.text(record.createdAt), forKey: .created)
        try container.encode(DeviceTimes.text(record.changedAt), forKey: .changed)
        try container.encode(record.firstSeen.map(DeviceTimes.text), forKey: .firstSeen)
        try container.encode(record.lastSeen.map(DeviceTimes.text), forKey: .lastSeen)
        try container.encode(record.lastAddress, forKey: .lastAddress)
        try container.encode(
            record.lastCertificate.map {
                Certificate(
                    sha256: HexadecimalText.text($0.sha256), subject: $0.subject,
                    notAfter: DeviceTimes.text($0.notAfter))
            }, forKey: .lastCertificate)
    }

    /// On one line, for listings that may be long.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// For people: one line for each fact.
    func text(now: Int64) -> String {
        var lines: [(String, String)] = [
            ("device", "\(record.key)"),
            ("state", record.state.rawValue + (record.stateReason.isEmpty ? "" : " (\(record.stateReason))")),
            ("profile", record.profile.isEmpty ? "-" : record.profile),
            ("password", record.hasPassword ? "set" : "none"),
            ("created", DeviceTimes.text(record.createdAt)),
            ("changed", DeviceTimes.text(record.changedAt)),
            ("first seen", record.firstSeen.map(DeviceTimes.text) ?? "never"),
            ("last seen", lastSeen(now: now)),
        ]
        if record.isSelfRegistered { lines.append(("registered", "by itself")) }
        if let certificate = record.lastCertificate {
            lines.append(("certificate", certificate.subject))
            lines.append(("", "SHA-256 \(HexadecimalText.text(certificate.sha256))"))
            let isPast = certificate.notAfter < now
            lines.append(("", "\(isPast ? "expired" : "until") \(DeviceTimes.text(certificate.notAfter))"))
        }
        lines += labelled("pins", record.pins.map { "\($0.pin), since \(DeviceTimes.text($0.addedAt))" })
        lines += labelled(
            "attributes", record.attributes.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" })
        lines += labelled(
            "overrides",
            DeviceOverrides.Limit.allCases.compactMap { limit in
                record.overrides[limit].map { "\(limit.rawValue) = \($0)" }
            })
        lines += labelled("note", record.note.split(whereSeparator: \.isNewline).map(String.init))
        return lines.map { label, value in
            label.padding(toLength: 12, withPad: " ", startingAt: 0) + " " + LogText.visible(value)
        }.joined(separator: "\n")
    }

    private func lastSeen(now: Int64) -> String {
        guard let seconds = record.lastSeen else { return "never" }
        let address = record.lastAddress.map { " from \($0)" } ?? ""
        return "\(DeviceTimes.text(seconds)) (\(DeviceTimes.relative(seconds, now: now)))\(address)"
    }

    private func labelled(_ label: String, _ values: [String]) -> [(String, String)] {
        values.enumerated().map { ($0.offset == 0 ? label : "", $0.element) }
    }
}
