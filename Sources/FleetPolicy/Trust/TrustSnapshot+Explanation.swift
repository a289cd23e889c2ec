extension RevocationStanding {
    /// One sentence for the operator, with nothing in it that a device chose.
    var text: String {
        switch self {
        case .good: "nothing is known against the chain"
        case .revoked(let revocation, let position):
            "\(Self.certificate(position)) was revoked (\(revocation.source.rawValue), \(revocation.reason))"
        case .listMissing(let position):
            "there is no CRL of the issuer of \(Self.certificate(position)), and one is required"
        case .listOutdated(let position, _):
            "the CRL of the issuer of \(Self.certificate(position)) is out of date, and one in date is required"
        }
    }

    private static func certificate(_ position: Int) -> String {
        position == 0 ? "the certificate" : "the CA certificate \(position) above it"
    }
}

extension TrustSnapshot {
    /// - Parameter fingerprint: SHA-256 of the anchor's certificate.
    func explainAnchor(_ fingerprint: [UInt8]) -> DecisionExplanation.Anchor {
        let rules = anchors[fingerprint]
        let listRule =
            switch listRule(ofAnchor: fingerprint) {
            case .off: "off"
            case .optional: "optional"
            case .required: "required"
            }
        return DecisionExplanation.Anchor(
            bundle: rules?.name, tenants: rules?.tenants.sorted() ?? [], listRule: listRule)
    }

    func explainRevocation(
        _ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances
    ) -> DecisionExplanation.RevocationCheck {
        let standing = standing(
            of: circumstances.chain, fingerprint: certificate.sha256Fingerprint,
            anchor: circumstances.trustAnchor?.sha256Fingerprint, now: circumstances.now)
        let result: DecisionExplanation.RevocationCheck.Result
        let position: Int?
        switch standing {
        case .good: (result, position) = (.good, nil)
        case .revoked(_, let place): (result, position) = (.revoked, place)
        case .listMissing(let place): (result, position) = (.listMissing, place)
        case .listOutdated(let place, _): (result, position) = (.listOutdated, place)
        }
        return DecisionExplanation.RevocationCheck(
            result: result, position: position, text: standing.text,
            chain: circumstances.chain.map { certificate in
                DecisionExplanation.RevocationCheck.Link(
                    issuer: HexadecimalText.text(certificate.issuer.bytes),
                    serialNumber: HexadecimalText.text(certificate.serialNumber),
                    list: lists[certificate.issuer].map(DecisionExplanation.RevocationCheck.List.init))
            })
    }
}

extension DecisionExplanation.RevocationCheck.List {
    fileprivate init(_ list: RevocationList) {
        self.init(
            number: HexadecimalText.text(list.number), thisUpdate: list.thisUpdate, nextUpdate: list.nextUpdate,
            entries: list.entries.count)
    }
}
