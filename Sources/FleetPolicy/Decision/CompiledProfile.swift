/// A device profile, checked and compiled. Shared by the profile set and by every grant made from it.
final class CompiledProfile: Sendable {
    /// The places of the two values that every profile has, before those of `placeholders`.
    static let deviceSlot = 0
    static let tenantSlot = 1

    /// A value that topics use beside device and tenant.
    enum Placeholder: Sendable, Hashable {
        /// The place of a capture in `matcher.captureNames`.
        case capture(Int)
        /// An attribute of the registered device.
        case registry(String)
    }

    /// A profile for certificates that are not in order, compiled with the captures and the identity of the profile
    /// that names it.
    struct Quarantine: Sendable {
        let profile: CompiledProfile
        let rule: QuarantineRule
    }

    let name: String
    /// Where the profile begins.
    let location: SourceLocation
    let description: String?
    let rank: Rank
    let matcher: CertificateMatcher
    let device: IdentityTemplate
    let tenant: IdentityTemplate
    /// In the order of a device's values, after device and tenant.
    let placeholders: [Placeholder]
    let rules: AccessRules
    let sources: RuleSources
    let prefix: PrefixTemplate
    let terms: ProfileTerms
    let quarantine: Quarantine?

    init(
        name: String, location: SourceLocation, description: String?, rank: Rank, matcher: CertificateMatcher,
        device: IdentityTemplate, tenant: IdentityTemplate, placeholders: [Placeholder], rules: AccessRules,
        sources: RuleSources, prefix: PrefixTemplate, terms: ProfileTerms, quarantine: Quarantine?
    ) {
        self.name = name
        self.location = location
        self.description = description
        self.rank = rank
        self.matcher = matcher
        self.device = device
        self.tenant = tenant
        self.placeholders = placeholders
        self.rules = rules
        self.sources = sources
        self.prefix = prefix
        self.terms = terms
        self.quarantine = quarantine
    }

    /// Whether a device with the same placeholder values may do the same under both. How it comes into the registry
    /// has no bearing on that.
    func grantsTheSame(as other: CompiledProfile) -> Bool {
        name == other.name && terms.limits == other.terms.limits && terms.clientIDRule == other.terms.clientIDRule
            && terms.upstream == other.terms.upstream && rules == other.rules
    }

    /// The device that captured values stand for, or which of them cannot be used.
    func identify(_ captured: CapturedValues, subject: DistinguishedName) throws(PolicyDenial) -> DeviceKey {
        let deviceID = try identity(device, captured, .badDeviceID, "device id", subject)
        let tenantName = try identity(tenant, captured, .badTenant, "tenant", subject)
        return DeviceKey(
            tenant: String(decoding: tenantName, as: UTF8.self), deviceID: String(decoding: deviceID, as: UTF8.self))
    }

    private func identity(
        _ template: IdentityTemplate, _ captured: CapturedValues, _ code: PolicyDenial.Code, _ what: String,
        _ subject: DistinguishedName
    ) throws(PolicyDenial) -> [UInt8] {
        let value = template.fill(captured)
        guard let objection = PlaceholderValue.objection(to: value) else {
            // A value that is sound as a whole can still hold a part that is not, such as an empty one.
            for part in template.parts {
                if case .capture(let index) = part,
                    let objection = PlaceholderValue.objection(to: captured.values[index])
                {
                    throw denial(code, captureObjection(index, objection), subject)
                }
            }
            return value
        }
        // The capture at fault is named when it can be.
        for index in template.captureIndexes {
            if let objection = PlaceholderValue.objection(to: captured.values[index]) {
                throw denial(code, captureObjection(index, objection), subject)
            }
        }
        throw denial(code, "the \(what) \(objection)", subject)
    }

    private func captureObjection(_ index: Int, _ objection: String) -> String {
        "the value of {\(matcher.captureNames[index])} \(objection)"
    }

    func denial(_ code: PolicyDenial.Code, _ reason: String, _ subject: DistinguishedName) -> PolicyDenial {
        PolicyDenial(code: code, detail: "profile \(name), \(subject.shown): \(reason)")
    }
}

/// Where the values of captures come from.
enum CaptureSource {
    case certificate(CapturedValues)
    /// A pinned certificate that no rule matched: its names prove nothing, so the registry's attributes of the same
    /// names stand in.
    case registry
}

extension CompiledProfile {
    /// The values of a device's placeholders, or which of them is missing or cannot be used.
    func values(
        of key: DeviceKey, _ source: CaptureSource, _ device: RegisteredDevice?, subject: DistinguishedName
    ) throws(PolicyDenial) -> PlaceholderValues {
        var values: [[UInt8]] = []
        values.reserveCapacity(placeholders.count + 2)
        values.append(Array(key.deviceID.utf8))
        values.append(Array(key.tenant.utf8))
        for placeholder in placeholders {
            let value: [UInt8]
            switch (placeholder, source) {
            case (.capture(let index), .certificate(let captured)):
                value = Array(captured.values[index])
            case (.capture(let index), .registry):
                value = try attribute(matcher.captureNames[index], of: device, key, subject)
            case (.registry(let name), _):
                value = try attribute(name, of: device, key, subject)
            }
            if let objection = PlaceholderValue.objection(to: value) {
                throw denial(.badPlaceholderValue, "the value of {\(self.name(of: placeholder))} \(objection)", subject)
            }
            values.append(value)
        }
        return PlaceholderValues(values)
    }

    private func attribute(
        _ name: String, of device: RegisteredDevice?, _ key: DeviceKey, _ subject: DistinguishedName
    ) throws(PolicyDenial) -> [UInt8] {
        guard let device else {
            throw denial(.missingAttribute, "\(key) is not registered, so it has no attribute `\(name)`", subject)
        }
        guard let value = device.attributes[name] else {
            throw denial(.missingAttribute, "the registry has no attribute `\(name)` for \(key)", subject)
        }
        return Array(value.utf8)
    }

    private func name(of placeholder: Placeholder) -> String {
        switch placeholder {
        case .capture(let index): matcher.captureNames[index]
        case .registry(let name): BracedText.registryPrefix + name
        }
    }

    /// An entry of a list of topics with a device's values in it.
    func filled(_ written: String, with values: PlaceholderValues) -> String {
        // It was parsed when the profile was compiled.
        guard let pieces = try? BracedText(parsing: written).pieces else { return written }
        let names = ["device", "tenant"] + placeholders.map(name)
        return pieces.map { piece in
            switch piece {
            case .literal(let text): text
            case .placeholder(let name, _):
                names.firstIndex(of: name).map { String(decoding: values.value($0), as: UTF8.self) } ?? "{\(name)}"
            }
        }.joined()
    }
}
