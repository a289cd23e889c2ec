import FleetPolicy
import Foundation

/// An ``ExplainReport`` for a person: sections with aligned lines.
struct ExplainText {
    /// Profiles that do not match are listed up to here; a fleet may have thousands. Those that match always are.
    static let trialsShownMax = 20

    let report: ExplainReport
    /// Whether the terminal shows colours.
    var hasColour = false
    /// Whether every profile that was tried is listed, and every limit.
    var isVerbose = false

    var text: String {
        [
            section("Certificate", certificate), section("Chain", chain), section("Profiles tried", trials),
            section("Registry", registry), section("Decision", decision), section("Grant", grant),
            section("Topics allowed", rules), section("Sessions", sessions), section("Asked", asked),
        ].compactMap { $0 }.joined(separator: "\n\n")
    }

    private func section(_ title: String, _ rows: [[String]]) -> String? {
        rows.isEmpty ? nil : bold(title) + "\n" + AlignedColumns.text(rows, indent: "  ")
    }

    // MARK: Sections

    private var certificate: [[String]] {
        let certificate = report.certificate
        var rows = [["subject", certificate.subject], ["issuer", certificate.issuer]]
        rows += certificate.alternativeNames.map { ["also named", $0] }
        rows.append(["valid", "\(time(certificate.notBefore)) to \(time(certificate.notAfter))\(daysLeft)"])
        rows.append(["serial", certificate.serialNumber])
        rows.append(["key", certificate.key])
        rows.append(["sha256", certificate.sha256])
        rows += certificate.policies.map { ["policy", $0] }
        return rows
    }

    private var daysLeft: String {
        let seconds = report.certificate.notAfter - report.now
        return seconds < 0 ? ", expired" : ", \(seconds / 86_400) days left"
    }

    private var chain: [[String]] {
        let chain = report.chain
        var rows: [[String]] = []
        switch chain.result {
        case .accepted:
            rows.append([
                "result",
                chain.despite.isEmpty ? "accepted" : "accepted, though \(chain.despite.joined(separator: " and "))",
            ])
        case .refused: rows.append(["result", "refused: \(chain.code ?? ""): \(chain.detail ?? "")"])
        case .notVerified: rows.append(["result", "not verified again: \(chain.detail ?? "")"])
        }
        if let hint = chain.hint { rows.append(["hint", hint]) }
        rows.append(["trust anchor", chain.trustAnchor ?? "none of tls.client-ca has issued this"])
        let decision = report.decision
        if let anchor = decision.anchor, let bundle = anchor.bundle {
            let tenants = anchor.tenants.isEmpty ? "" : ", for the tenants \(anchor.tenants.joined(separator: ", "))"
            rows.append(["anchor bundle", "\(bundle)\(tenants), CRLs \(anchor.listRule)"])
        }
        rows.append(["revocation", decision.revocation.text])
        if decision.isSuspectedClone { rows.append(["suspicion", "the certificate seems to be in use in two places"]) }
        rows.append([
            "presented",
            "\(chain.certificates) certificate\(chain.certificates == 1 ? "" : "s"), TLS \(report.tlsVersion), listener \(report.listener)"
                + (report.serverName.map { ", SNI \($0)" } ?? ""),
        ])
        return rows
    }

    private var trials: [[String]] {
        var rows: [[String]] = []
        var hidden = 0
        for trial in report.decision.trials {
            let isMatch = trial.outcome != .noMatch
            guard isMatch || isVerbose || rows.count < Self.trialsShownMax else {
                hidden += 1
                continue
            }
            let captures = trial.captures.map { "{\($0.name)}=\($0.value)" }.joined(separator: " ")
            let reasons = trial.reasons.isEmpty ? [captures] : trial.reasons
            rows.append([
                mark(isMatch), trial.profile, trial.outcome.rawValue, reasons.first ?? "",
            ])
            rows += reasons.dropFirst().map { ["", "", "", $0] }
            if isMatch { rows.append(["", "", "", "\(trial.rank), \(trial.location)"]) }
        }
        if hidden > 0 { rows.append(["", "and \(hidden) more", "", "that do not match (--verbose shows them)"]) }
        return rows.isEmpty ? [["none"]] : rows
    }

    private var registry: [[String]] {
        var rows: [[String]] = []
        if let device = report.decision.pinnedFor { rows.append(["pinned for", "\(device)"]) }
        guard let known = report.decision.registration else {
            rows.append(["device", "not registered"])
            return rows
        }
        rows.append(["device", "\(known.key)"])
        rows.append(["state", known.state.rawValue])
        if !known.profile.isEmpty { rows.append(["registered under", known.profile]) }
        if known.pins > 0 {
            rows.append([
                "pins", "\(known.pins), \(known.fitsPin ? "this certificate fits" : "this certificate fits none")",
            ])
        }
        rows += known.attributes.map { ["registry.\($0.name)", $0.value] }
        if known.hasPassword { rows.append(["password", "set"]) }
        if known.hasOverrides { rows.append(["limits", "some of its own"]) }
        return rows
    }

    private var decision: [[String]] {
        let outcome = report.decision.outcome
        if report.chain.result == .refused {
            let condition =
                report.chain.trustAnchor == nil && report.decision.pinnedFor == nil
                ? "if a CA of tls.client-ca had issued it" : "if the chain were accepted"
            return [
                [mark(false), "refused in the TLS handshake: \(report.chain.code ?? "")"],
                ["", "\(condition): \(outcome.code.map { "\($0): " } ?? "")\(outcome.text)"],
            ]
        }
        return [[mark(outcome.isGranted), (outcome.code.map { "\($0): " } ?? "") + outcome.text]]
    }

    private var grant: [[String]] {
        guard let grant = report.grant else { return [] }
        var rows = [["device", "\(grant.device)"], ["profile", grant.profile]]
        if let reason = grant.quarantine { rows.append(["quarantine", reason]) }
        rows.append(["client id", grant.clientIDRule])
        if !grant.topicPrefix.isEmpty { rows.append(["topic prefix", grant.topicPrefix]) }
        rows.append(["broker", grant.upstream ?? "the default one"])
        if grant.asksForPassword { rows.append(["second factor", "password"]) }
        if let state = report.decision.outcome.registersAs { rows.append(["registers as", state.rawValue]) }
        rows += grant.limits.map { [$0.key, $0.value] }
        return rows
    }

    private var rules: [[String]] {
        guard let rules = report.grant?.rules else { return [] }
        var rows = rules.entries.map { entry in
            [entry.list.rawValue, entry.filter, Self.terms(entry), "\(entry.location)"]
        }
        if rules.willLikePublish { rows.append(["will", "whatever may be published"]) }
        return rows.isEmpty ? [["none"]] : rows
    }

    static func terms(_ entry: RuleEntry) -> String {
        [
            entry.maximumQoS.map { "qos \($0)" }, entry.allowsRetain == true ? "retain" : nil,
            entry.allowsShared == true ? "shared" : nil,
        ].compactMap { $0 }.joined(separator: ", ")
    }

    private var sessions: [[String]] {
        report.sessions.map { session in
            [
                "\(session.connection)", "from \(session.address)", "since \(time(session.since))",
                "profile \(session.profile)" + (session.quarantine.map { ", quarantine: \($0)" } ?? ""),
                session.clientID.map { "client id \($0)" } ?? "",
            ]
        }
    }

    private var asked: [[String]] {
        var rows: [[String]] = []
        if let clientID = report.clientID {
            rows.append([
                mark(clientID.isPermitted), "client id", clientID.value,
                "\(clientID.isPermitted ? "allowed" : "refused"), by the rule \(clientID.rule)",
            ])
        }
        rows += report.topics.map { topic in
            let code = topic.code.map { "\($0): " } ?? ""
            return [mark(topic.isGranted), topic.action.rawValue, topic.topic, code + topic.text]
        }
        return rows
    }

    // MARK: Words

    private func mark(_ isGood: Bool) -> String { isGood ? "yes" : "no" }

    private func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    private func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}
