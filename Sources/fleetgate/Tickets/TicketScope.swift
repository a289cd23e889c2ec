import NIOMbedTLS

/// What tickets of one listener are sealed for.
///
/// The listener, because another may trust other CAs; and what was asked of chains, because a resumed session is not
/// verified again: under rules that have changed, everybody comes with the whole certificate once more. Gateways that
/// share keys share this text when their configurations say the same.
enum TicketScope {
    static func text(listener: String, _ bundles: [AnchorBundleSettings]) -> String {
        let rules = bundles.filter { $0.isTrusted(at: listener) }.map { bundle in
            let rules = bundle.rules
            let digests = rules.signatureDigests.map(\.rawValue).sorted().joined(separator: "+")
            return "\(bundle.name) eku=\(rules.requiresClientAuthExtendedKeyUsage) rsa=\(rules.rsaBitsMin) "
                + "curve=\(rules.curveBitsMin) depth=\(rules.chainDepthMax) \(digests)"
        }
        return "listener \(listener)\n" + rules.sorted().joined(separator: "\n")
    }
}
