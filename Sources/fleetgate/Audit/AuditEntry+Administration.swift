import DeviceRegistry
import FleetPolicy
import Foundation

extension AuditEntry {
    /// What became of an operator's command.
    enum Outcome: Sendable, Hashable {
        case done
        /// Nothing was changed; the reason is a stable code.
        case refused(reason: String)
    }

    /// An operator changed something, or was refused it.
    ///
    /// - Parameters:
    ///   - actor: Who it was, as ``OperatorName`` says.
    ///   - action: The command in kebab-case, such as `device-approve`, `reload`, `revoke`.
    ///   - target: What it was done to; empty for the gateway as a whole.
    ///   - before: What was so before, in short. No secret.
    ///   - after: What is so now, in short. No secret.
    ///   - detail: Anything else, in short. No secret.
    static func administration(
        actor: String, action: String, target: String, before: String? = nil, after: String? = nil,
        detail: String? = nil, outcome: Outcome = .done, at date: Date = Date()
    ) -> AuditEntry {
        let (word, reason): (String, String?) =
            switch outcome {
            case .done: ("done", nil)
            case .refused(let reason): ("refused", reason)
            }
        return AuditEntry(
            .administration, at: UTCTime.milliseconds(date),
            [
                .text(.actor, actor), .text(.action, action), .text(.target, target), .text(.before, before),
                .text(.after, after), .text(.outcome, word), .text(.reason, reason), .text(.detail, detail),
            ])
    }

    /// A command of the registry. Nil for those that only read. Of passwords it says only that there is one: no hash.
    static func administration(
        actor: String, command: RegistryCommand, outcome: Outcome = .done, at date: Date = Date()
    ) -> AuditEntry? {
        let after: String?
        switch command {
        case .list, .show, .count, .history, .certificates: return nil
        case .add(let device, let passwordHash):
            after =
                "\(device.state.rawValue), profile \(device.profile.isEmpty ? "-" : device.profile), "
                + "\(device.pins.count) pins, password \(passwordHash == nil ? "none" : "set")"
        case .setState(_, let state, let reason, let force):
            after = state.rawValue + (force ? " by force" : "") + (reason.isEmpty ? "" : ": \(reason)")
        case .approve(_, let reason): after = "active" + (reason.isEmpty ? "" : ": \(reason)")
        case .retire(_, let reason): after = "retired" + (reason.isEmpty ? "" : ": \(reason)")
        case .change(_, let change): after = text(change)
        case .pin(_, let pin): after = "\(pin)"
        case .unpin(_, let pin): after = "without \(pin)"
        case .setPassword(_, let hash): after = hash == nil ? "no password" : "password set"
        case .remove: after = nil
        case .importDevices(let devices): after = "a file in \(devices.format.rawValue)"
        }
        return administration(
            actor: actor, action: "device-\(command.name.rawValue)",
            target: command.deviceConcerned.map { "\($0)" } ?? "", after: after, outcome: outcome, at: date)
    }

    /// Which parts are different. Attributes and notes by name alone: what operators put into them is theirs.
    private static func text(_ change: DeviceChange) -> String {
        var parts: [String] = []
        if let profile = change.profile { parts.append("profile \(profile.isEmpty ? "-" : profile)") }
        if change.note != nil { parts.append("note") }
        for name in change.attributes.keys.sorted() { parts.append("attribute \(name)") }
        for name in change.removedAttributes.sorted() { parts.append("without attribute \(name)") }
        for limit in DeviceOverrides.Limit.allCases {
            if let value = change.overrides[limit] { parts.append("override \(limit.rawValue) = \(value)") }
        }
        for name in change.removedOverrides.sorted() { parts.append("without override \(name)") }
        return parts.joined(separator: ", ")
    }
}
