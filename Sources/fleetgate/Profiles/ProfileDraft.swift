import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// A profile to be written by `profile new`: what was asked for, completed with what a certificate suggests.
struct ProfileDraft: Hashable {
    struct Condition: Hashable {
        /// An attribute such as `CN`, or a kind of alternative name such as `uri`.
        let key: String
        let pattern: String
        /// What it was made from; nil: it was typed.
        let sample: String?
    }

    var name: String
    var description: String?
    /// Conditions of `subject`.
    var subject: [Condition] = []
    /// Conditions of `issuer`; empty: any.
    var issuer: [Condition] = []
    /// Conditions of `san`.
    var alternativeNames: [Condition] = []
    /// Further conditions that the sample would fulfil; written as a comment.
    var suggestions: [String] = []
    var device: String
    var tenant: String?
    var publish: [String]
    var subscribe: [String]

    /// A draft without a certificate.
    init(name: String) {
        self.name = name
        subject = [Condition(key: "CN", pattern: "\(name)-{serial:digits}", sample: nil)]
        device = "\(name)-{serial}"
        publish = Self.topics(name).publish
        subscribe = Self.topics(name).subscribe
    }

    /// A draft from a sample certificate: the name of the holder becomes a pattern, all else of the subject stays as it
    /// is.
    ///
    /// - Throws: ``CommandFailure`` when the certificate has no name to go by.
    init(name: String, sample: PeerCertificate) throws {
        self.init(name: name)
        subject = []
        var identity: PatternProposal?
        for attribute in sample.subject.flatMap(\.self) {
            let key = Self.attributeName(attribute.oid)
            guard !subject.contains(where: { $0.key == key }) else { continue }
            if identity == nil, Self.holderAttributes.contains(key) {
                let proposal = PatternProposal(attribute.value)
                identity = proposal
                subject.append(Condition(key: key, pattern: proposal.pattern, sample: attribute.value))
            } else {
                subject.append(
                    Condition(key: key, pattern: PatternProposal.braced(attribute.value), sample: attribute.value))
            }
        }
        for case (let kind, let value)? in sample.subjectAlternativeNames.map(Self.named) {
            if identity == nil {
                let proposal = PatternProposal(value)
                identity = proposal
                alternativeNames.append(Condition(key: kind, pattern: proposal.pattern, sample: value))
            } else if let captures = identity?.captures, let pattern = Self.pattern(value, reusing: captures) {
                suggestions.append("san: { \(kind): \(Self.quoted(pattern)) }")
            }
        }
        guard let identity else {
            throw CommandFailure(
                "the certificate has neither a CN, serialNumber or UID nor an alternative name to go by")
        }
        let issuerNames = sample.issuer.flatMap(\.self)
        suggestions.append(
            "issuer: { "
                + issuerNames.map {
                    "\(Self.key(Self.attributeName($0.oid))): \(Self.quoted(PatternProposal.braced($0.value)))"
                }.joined(separator: ", ") + " }")
        device = Self.deviceTemplate(identity.template, captures: identity.captures.map(\.name)) ?? name
    }

    /// Attributes that are one holder's, in the vocabulary of profiles.
    private static let holderAttributes: Set<String> = ["CN", "serialNumber", "UID", "emailAddress"]

    /// Makes the device id of what the conditions capture, when the present one asks for something that they do not.
    mutating func deriveDevice() {
        let conditions = subject + alternativeNames + issuer
        let captured = Set(conditions.flatMap { PatternProposal.template(of: $0.pattern).captures })
        guard !captured.isSuperset(of: PatternProposal.template(of: device).captures) else { return }
        let ofHolder = conditions.filter { Self.holderAttributes.contains($0.key) } + alternativeNames
        let sources = (ofHolder + conditions).map { PatternProposal.template(of: $0.pattern) }
        guard let source = sources.first(where: { !$0.captures.isEmpty }) ?? sources.first else { return }
        device = Self.deviceTemplate(source.text, captures: source.captures) ?? name
    }

    private static func topics(_ name: String) -> (publish: [String], subscribe: [String]) {
        (["\(name)/{device}/telemetry"], ["\(name)/{device}/commands/#"])
    }

    /// The whole text when it can be a device id, else the captures alone; nil when there are none.
    private static func deviceTemplate(_ template: String, captures: [String]) -> String? {
        let isSafe =
            !template.utf8.contains { "+#/".utf8.contains($0) || $0 < 0x20 || $0 == 0x7F }
            && !template.hasPrefix("$")
        if isSafe { return template }
        return captures.isEmpty ? nil : captures.map { "{\($0)}" }.joined(separator: ".")
    }

    /// The value with the captured texts in it replaced; nil when none occurs.
    private static func pattern(_ value: String, reusing captures: [PatternProposal.Capture]) -> String? {
        guard let serial = captures.last, serial.value.utf8.count >= 2, let range = value.range(of: serial.value) else {
            return nil
        }
        return PatternProposal.braced(value[..<range.lowerBound]) + "{\(serial.name)}"
            + PatternProposal.braced(value[range.upperBound...])
    }

    private static func named(_ name: NIOMbedTLS.SubjectAlternativeName) -> (String, String)? {
        switch name {
        case .dns(let value): ("dns", value)
        case .uri(let value): ("uri", value)
        case .email(let value): ("email", value)
        case .ip, .directoryName, .otherName, .registeredID, .other: nil
        }
    }

    private static func attributeName(_ oid: String) -> String {
        // The policy's own names: what a profile may write.
        let name = DistinguishedName([.init([.init(attributeType: oid, value: "x")])]).description
        guard let equals = name.firstIndex(of: "="), !name.hasSuffix("#0C0178") else { return oid }
        return String(name[..<equals])
    }

    // MARK: Writing

    /// The file, with comments for whoever edits it.
    var text: String {
        var lines = [
            "# yaml-language-server: $schema=device-profile.schema.json",
            "# Which certificates this profile is for, who a device with one is, and what it may do.",
            "profile: \(name)",
        ]
        if let description { lines.append("description: \(Self.quoted(description))") }
        lines += [
            "", "# All conditions have to hold. A pattern covers the whole value; {name:type} captures a part of it.",
            "match:",
        ]
        lines +=
            Self.section("subject", subject) + Self.section("issuer", issuer) + Self.section("san", alternativeNames)
        if !suggestions.isEmpty {
            lines.append("  # The certificate would also fulfil:")
            lines += suggestions.map { "  #   \($0)" }
        }
        lines += [
            "", "# Unique within the tenant: two certificates with one device id are one device.",
            "device: \(Self.quoted(device))",
        ]
        lines.append(
            tenant.map { "tenant: \(Self.quoted($0))" } ?? "# tenant: \"{site}\"                # default: `default`")
        lines += ["", "# What is not listed is refused. {device}, {tenant} and every capture may be used."]
        lines += Self.list("publish", publish)
        lines += Self.list("subscribe", subscribe)
        lines += [
            "", "# The topic of a will, when the device leaves one:", "# will:",
            "#   topic: \"\(name)/{device}/status\"",
            "#   qos: 1", "#   retain: true", "",
            "# What the device may use up; these are the defaults.", "# limits:", "#   packet-bytes: 64KiB",
            "#   messages: { per-second: 50, burst: 100, on-exceeded: throttle }",
            "", "# open: every certificate that matches. first-seen: registered when it first connects.",
            "# listed: only devices of the registry.", "# registration: open", "",
        ]
        return lines.joined(separator: "\n")
    }

    private static func section(_ key: String, _ conditions: [Condition]) -> [String] {
        guard !conditions.isEmpty else { return [] }
        return ["  \(key):"]
            + conditions.map { condition in
                let line = "    \(Self.key(condition.key)): \(quoted(condition.pattern))"
                return condition.sample.map { $0 == condition.pattern ? line : "\(line)   # \(comment($0))" } ?? line
            }
    }

    private static func list(_ key: String, _ topics: [String]) -> [String] {
        topics.isEmpty ? ["# \(key): []"] : ["\(key):"] + topics.map { "  - \(quoted($0))" }
    }

    /// A text as YAML in double quotes: what could end it or steer a terminal is escaped.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFEFF
                || [0x2028, 0x2029].contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            case _: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func key(_ key: String) -> String { key.first?.isNumber == true ? quoted(key) : key }

    private static func comment(_ text: String) -> String { LogText.visible(text) }
}
