/// A text made of literal parts and captured values: the device id or the tenant.
struct IdentityTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// The place of a capture in `CertificateMatcher.captureNames`.
        case capture(Int)
    }

    let parts: [Part]

    func fill(_ captured: CapturedValues) -> [UInt8] {
        parts.flatMap { part in
            switch part {
            case .literal(let bytes): bytes
            case .capture(let index): captured.values[index]
            }
        }
    }

    var captureIndexes: [Int] {
        parts.compactMap { part in
            switch part {
            case .literal: nil
            case .capture(let index): index
            }
        }
    }
}

/// A device profile, checked and compiled. Shared by the profile set and by every grant made from it.
final class CompiledProfile: Sendable {
    /// The places of the two values that every profile has, before those of `placeholderCaptures`.
    static let deviceSlot = 0
    static let tenantSlot = 1

    let name: String
    let priority: Int
    let matcher: CertificateMatcher
    let device: IdentityTemplate
    let tenant: IdentityTemplate
    /// The captures that topics use, as places in `matcher.captureNames`; their values follow device and tenant.
    let placeholderCaptures: [Int]
    let rules: AccessRules
    let limits: DeviceLimits

    init(
        name: String, priority: Int, matcher: CertificateMatcher, device: IdentityTemplate, tenant: IdentityTemplate,
        placeholderCaptures: [Int], rules: AccessRules, limits: DeviceLimits
    ) {
        self.name = name
        self.priority = priority
        self.matcher = matcher
        self.device = device
        self.tenant = tenant
        self.placeholderCaptures = placeholderCaptures
        self.rules = rules
        self.limits = limits
    }

    /// Whether a device with the same placeholder values may do the same under both.
    func grantsTheSame(as other: CompiledProfile) -> Bool {
        name == other.name && limits == other.limits && rules == other.rules
    }

    /// Makes a device's grant from its captures, or says which of them cannot be used.
    func grant(_ captured: CapturedValues, subject: DistinguishedName) -> PolicyDecision {
        let deviceID = device.fill(captured)
        let tenantName = tenant.fill(captured)
        let denial =
            objection(to: deviceID, of: device, captured, code: .badDeviceID, what: "device id")
            ?? objection(to: tenantName, of: tenant, captured, code: .badTenant, what: "tenant")
            ?? objection(toCaptures: placeholderCaptures, captured, code: .badPlaceholderValue)
        if let (code, reason) = denial {
            return .denied(PolicyDenial(code: code, detail: "profile \(name), \(subject): \(reason)"))
        }
        return .granted(
            DeviceGrant(
                deviceID: String(decoding: deviceID, as: UTF8.self),
                tenant: String(decoding: tenantName, as: UTF8.self),
                profile: self,
                values: PlaceholderValues([deviceID, tenantName] + placeholderCaptures.map { captured.values[$0] })))
    }

    private func objection(
        to value: [UInt8], of template: IdentityTemplate, _ captured: CapturedValues, code: PolicyDenial.Code,
        what: String
    ) -> (PolicyDenial.Code, String)? {
        // Each capture alone first, so that the reason names the one at fault.
        if let found = objection(toCaptures: template.captureIndexes, captured, code: code) { return found }
        return PlaceholderValue.objection(to: value).map { (code, "the \(what) \($0)") }
    }

    private func objection(
        toCaptures indexes: [Int], _ captured: CapturedValues, code: PolicyDenial.Code
    ) -> (PolicyDenial.Code, String)? {
        for index in indexes {
            if let objection = PlaceholderValue.objection(to: captured.values[index]) {
                return (code, "the value of {\(matcher.captureNames[index])} \(objection)")
            }
        }
        return nil
    }
}
