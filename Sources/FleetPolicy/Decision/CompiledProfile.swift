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
    func identify(
        _ captured: CapturedValues, _ certificate: CertificateAttributes
    ) throws(PolicyDenial) -> DeviceKey {
        var filled: [UInt8] = []
        // More than nearly every device id and tenant have together.
        filled.reserveCapacity(96)
        device.fill(captured, into: &filled)
        let end = filled.count
        try check(filled[..<end], device, captured, .badDeviceID, "device id", certificate)
        tenant.fill(captured, into: &filled)
        try check(filled[end...], tenant, captured, .badTenant, "tenant", certificate)
        return DeviceKey(
            tenant: String(decoding: filled[end...], as: UTF8.self),
            deviceID: String(decoding: filled[..<end], as: UTF8.self))
    }

    private func check(
        _ value: ArraySlice<UInt8>, _ template: IdentityTemplate, _ captured: CapturedValues,
        _ code: PolicyDenial.Code, _ what: StaticString, _ certificate: CertificateAttributes
    ) throws(PolicyDenial) {
        let objection = PlaceholderValue.objection(to: value)
        // The capture at fault is named when it can be. A value that is sound as a whole can still hold a part that is
        // not, such as an empty one.
        for part in template.parts {
            if case .capture(let index) = part,
                let objection = PlaceholderValue.objection(to: captured.values[Int(index)])
            {
                throw denial(code, captureObjection(Int(index), objection), certificate)
            }
        }
        if let objection { throw denial(code, "the \(what) \(objection)", certificate) }
    }

    private func captureObjection(_ index: Int, _ objection: String) -> String {
        "the value of {\(matcher.captureNames[index])} \(objection)"
    }

    func denial(
        _ code: PolicyDenial.Code, _ reason: String, _ certificate: CertificateAttributes
    ) -> PolicyDenial {
        PolicyDenial(code: code, detail: "profile \(name), \(certificate.subject.shown): \(reason)")
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
        of key: DeviceKey, _ source: CaptureSource, _ device: DeviceEntry?, _ certificate: CertificateAttributes
    ) throws(PolicyDenial) -> PlaceholderValues {
        var byteCount = key.deviceID.utf8.count + key.tenant.utf8.count
        if case .certificate(let captured) = source, !placeholders.isEmpty {
            for value in captured.values { byteCount += value.count }
        }
        var values = PlaceholderValues.Filling(count: placeholders.count + 2, byteCount: byteCount)
        values.append(key.deviceID.utf8)
        values.append(key.tenant.utf8)
        for placeholder in placeholders {
            switch (placeholder, source) {
            case (.capture(let index), .certificate(let captured)):
                try append(captured.values[index], of: placeholder, to: &values, certificate)
            case (.capture(let index), .registry):
                let value = try attribute(matcher.captureNames[index], of: device, key, certificate)
                try append(value.utf8, of: placeholder, to: &values, certificate)
            case (.registry(let name), _):
                let value = try attribute(name, of: device, key, certificate)
                try append(value.utf8, of: placeholder, to: &values, certificate)
            }
        }
        return values.finish()
    }

    private func append(
        _ value: some Collection<UInt8>, of placeholder: Placeholder, to values: inout PlaceholderValues.Filling,
        _ certificate: CertificateAttributes
    ) throws(PolicyDenial) {
        if let objection = PlaceholderValue.objection(to: value) {
            throw denial(
                .badPlaceholderValue, "the value of {\(name(of: placeholder))} \(objection)", certificate)
        }
        values.append(value)
    }

    private func attribute(
        _ name: String, of device: DeviceEntry?, _ key: DeviceKey, _ certificate: CertificateAttributes
    ) throws(PolicyDenial) -> String {
        guard let device else {
            throw denial(.missingAttribute, "\(key) is not registered, so it has no attribute `\(name)`", certificate)
        }
        guard let value = device.attribute(name) else {
            throw denial(.missingAttribute, "the registry has no attribute `\(name)` for \(key)", certificate)
        }
        return value
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
