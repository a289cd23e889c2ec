import FleetPolicy
import Testing
import Yams

/// Reads YAML into the tree that profiles are compiled from.
func sourceNode(_ yaml: String, file: String = "test.yaml") throws -> SourceNode {
    let node = try #require(try Yams.compose(yaml: yaml))
    return sourceNode(node, file: file)
}

private func sourceNode(_ node: Node, file: String) -> SourceNode {
    let location = SourceLocation(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    switch node {
    case .scalar(let scalar):
        return .scalar(scalar.string, quoted: scalar.style != .plain && scalar.style != .any, location)
    case .sequence(let sequence):
        return .sequence(sequence.map { sourceNode($0, file: file) }, location)
    case .mapping(let mapping):
        let entries = mapping.map { key, value in
            let keyNode = sourceNode(key, file: file)
            return (key: key.string ?? "", keyLocation: keyNode.location, value: sourceNode(value, file: file))
        }
        return .mapping(entries, location)
    case .alias:
        return .scalar("", quoted: false, location)
    }
}

/// Compiles profiles given as YAML, one text for each.
func compile(_ yamls: String...) throws -> Result<ProfileSet, OperatorMistakes> {
    ProfileCompiler.compile(
        try yamls.enumerated().map { try sourceNode($1, file: yamls.count == 1 ? "test.yaml" : "test\($0 + 1).yaml") })
}

/// The mistakes in profiles given as YAML; none when they compile.
func mistakes(in yamls: String...) throws -> [OperatorMistake] {
    let nodes = try yamls.enumerated().map {
        try sourceNode($1, file: yamls.count == 1 ? "test.yaml" : "test\($0 + 1).yaml")
    }
    switch ProfileCompiler.compile(nodes) {
    case .success: return []
    case .failure(let all): return all.mistakes
    }
}

extension ConnectionCircumstances {
    /// A connection like most.
    static let usual = ConnectionCircumstances(
        now: 1_000_000,
        trustAnchor: TrustAnchor(
            subject: DistinguishedName(attributes: [("O", "Test"), ("CN", "Test Root")]) ?? DistinguishedName([]),
            sha256Fingerprint: [UInt8](repeating: 9, count: 32)))

    func with(_ change: (inout ConnectionCircumstances) -> Void) -> ConnectionCircumstances {
        var changed = self
        change(&changed)
        return changed
    }
}

extension ProfileSet {
    /// What a certificate gets on a usual connection, with an empty registry.
    func decide(
        _ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances = .usual
    ) -> PolicyDecision {
        PolicySnapshot(profiles: self).decide(certificate, circumstances)
    }
}

/// A certificate of which only the names matter.
func certificate(
    _ subject: String, issuer: String = "CN=Test CA,O=Test", san: [SubjectAlternativeName] = []
) throws -> CertificateAttributes {
    CertificateAttributes(
        subject: try #require(DistinguishedName(rfc4514: subject)),
        issuer: try #require(DistinguishedName(rfc4514: issuer)), subjectAlternativeNames: san, serialNumber: [1],
        sha256Fingerprint: [UInt8](repeating: 7, count: 32), notBefore: 0, notAfter: 4_000_000_000)
}

extension PolicyDecision {
    var grant: DeviceGrant? {
        switch self {
        case .granted(let grant): grant
        case .denied: nil
        }
    }

    var denial: PolicyDenial? {
        switch self {
        case .granted: nil
        case .denied(let denial): denial
        }
    }
}

extension DeviceGrant {
    func publish(_ topic: String, qos: UInt8 = 0, retain: Bool = false) -> PublishVerdict {
        permitsPublish(topic: Array(topic.utf8).span, qos: qos, retain: retain)
    }

    func will(_ topic: String, qos: UInt8 = 0, retain: Bool = false) -> PublishVerdict {
        permitsWill(topic: Array(topic.utf8).span, qos: qos, retain: retain)
    }

    func subscribe(_ filter: String, qos: UInt8 = 0) -> SubscribeVerdict {
        permitsSubscribe(filter: Array(filter.utf8).span, qos: qos)
    }

    func delivers(_ topic: String) -> Bool {
        permitsDelivery(topic: Array(topic.utf8).span)
    }
}

/// A grant for device `d1` of tenant `t1` with these lists.
func grant(_ lists: String) throws -> DeviceGrant {
    let yaml = """
        profile: test
        match:
          subject: { O: "{org}", CN: "{id}" }
        device: "{id}"
        tenant: "{org}"

        """
    let set = try compile(yaml + lists).get()
    return try #require(set.decide(try certificate("CN=d1,O=t1")).grant)
}
