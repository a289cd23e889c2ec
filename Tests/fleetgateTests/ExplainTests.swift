import AdminAPI
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

/// A gate to explain certificates by.
struct ExplainFixture {
    let gate: Gate
    let root: CertificateAuthority

    init() throws {
        gate = try Gate()
        root = gate.root
    }

    func engine(_ devices: [RegisteredDevice] = [], now: Date = Date()) throws -> ExplainEngine {
        let setting = try ExplainSetting.load(gate.configuration)
        return ExplainEngine(
            context: try #require(setting.contexts["default"]),
            snapshot: PolicySnapshot(profiles: setting.profiles, directory: DeviceDirectory(devices)),
            listener: "default", now: Int64(now.timeIntervalSince1970))
    }

    func report(
        _ subject: [(String, String)], by authority: CertificateAuthority? = nil, devices: [RegisteredDevice] = [],
        purpose: CertificateTemplate.Purpose = .client, _ questions: ExplainQuestions = ExplainQuestions()
    ) throws -> ExplainReport {
        let issued = try (authority ?? root).issue(CertificateTemplate(subject: subject, purpose: purpose))
        let chain = try PeerCertificate.reading(Array(issued.chainPEM.utf8))
        return try engine(devices).report(
            try #require(chain.first), issuers: Array(chain.dropFirst()), ExplainCircumstances(), questions)
    }

    static let meter = [("O", "Elbe Netz"), ("OU", "hamburg-nord"), ("CN", "meter-4711")]
    static let key = DeviceKey(tenant: "hamburg-nord", deviceID: "meter-4711")
}

@Suite struct ExplainReportTests {
    @Test func aGoodCertificateGetsItsGrant() throws {
        let questions = ExplainQuestions(
            topics: [
                .init(action: .publish, topic: "meters/hamburg-nord/meter-4711/reading", qos: 1, retain: true),
                .init(action: .subscribe, topic: "meters/hamburg-nord/meter-4711/commands/#", qos: 2, retain: false),
                .init(action: .will, topic: "meters/hamburg-nord/meter-4711/status", qos: 1, retain: true),
            ], clientID: "anything")
        let report = try ExplainFixture().report(ExplainFixture.meter, questions)
        #expect(report.chain.result == .accepted && report.chain.despite == [])
        #expect(report.chain.trustAnchor?.isEmpty == false)
        #expect(report.grant?.device == ExplainFixture.key)
        #expect(report.grant?.profile == "smart-meter")
        #expect(report.decision.trials.count == 3)
        #expect(report.topics.map(\.isGranted) == [true, true, true])
        #expect(report.topics[0].entry?.location.file.hasSuffix("smart-meter.yaml") == true)
        #expect(report.topics[1].maximumQoS == 1)
        #expect(report.isPermitted)
        let text = ExplainText(report: report).text
        #expect(text.contains("hamburg-nord/meter-4711") && text.contains("smart-meter.yaml:"))
        #expect(!text.contains("\u{1B}"))
        #expect(ExplainText(report: report, hasColour: true).text.contains("\u{1B}[1m"))
    }

    @Test(arguments: [
        (TopicExplanation.Action.publish, "other/topic", 0, false),
        (.publish, "meters/hamburg-nord/meter-1/reading", 0, false),
        (.publish, "meters/hamburg-nord/meter-4711/telemetry", 1, true), (.publish, "a/+", 0, false),
        (.publish, "", 0, false),
        (.publish, "meters/hamburg-nord/meter-4711/reading", 2, false), (.subscribe, "#", 0, false),
        (.subscribe, "meters/+/tariff", 0, false), (.subscribe, "a/#/b", 0, false), (.subscribe, "$SYS/#", 0, false),
        (.will, "meters/hamburg-nord/meter-4711/reading", 1, false),
    ])
    func whatIsNotPermittedIsNot(action: TopicExplanation.Action, topic: String, qos: Int, retain: Bool) throws {
        let report = try ExplainFixture().report(
            ExplainFixture.meter,
            ExplainQuestions(topics: [.init(action: action, topic: topic, qos: UInt8(qos), retain: retain)]))
        #expect(report.isAdmitted && !report.isPermitted)
        #expect(report.topics.first?.code != nil)
    }

    @Test(arguments: [
        ([("CN", "stranger")], "no-matching-profile"),
        ([("O", "Elbe Netz"), ("OU", "Hamburg"), ("CN", "meter-1")], "no-matching-profile"),
        ([("O", "Elbe Netz"), ("OU", "h"), ("CN", "meter-#")], "no-matching-profile"),
    ])
    func theRulesSayWhyNot(subject: [(String, String)], code: String) throws {
        let report = try ExplainFixture().report(subject)
        #expect(report.chain.result == .accepted)
        #expect(report.grant == nil && !report.isAdmitted)
        #expect(report.decision.outcome.code == code)
        #expect(report.decision.trials.allSatisfy { !$0.reasons.isEmpty })
        #expect(ExplainText(report: report).text.contains(code))
    }

    @Test func anotherCAIsNotTrusted() throws {
        let report = try ExplainFixture().report(ExplainFixture.meter, by: try .makeDevelopmentRoot())
        #expect(report.chain.result == .refused)
        #expect(["unknown-ca", "bad-signature"].contains(report.chain.code ?? ""))
        #expect(report.grant == nil && !report.isAdmitted)
        #expect(ExplainText(report: report).text.contains("refused in the TLS handshake"))
    }

    @Test func ofAnUnknownCATheProfilesSayWhatTheyWould() throws {
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger CA")
        let report = try ExplainFixture().report(ExplainFixture.meter, by: stranger)
        #expect(report.chain.result == .refused && report.chain.code == "unknown-ca")
        #expect(report.chain.trustAnchor == nil)
        #expect(report.chain.hint?.contains("Stranger CA") == true)
        #expect(report.chain.hint?.contains("is not among tls.client-ca of ") == true)
        #expect(report.decision.trials.filter { $0.outcome == .chosen }.map(\.profile) == ["smart-meter"])
        #expect(report.decision.outcome.isGranted && report.decision.outcome.device == ExplainFixture.key)
        #expect(report.grant == nil && !report.isAdmitted && !report.isPermitted)
        let text = ExplainText(report: report).text
        #expect(text.contains("if a CA of tls.client-ca had issued it: hamburg-nord/meter-4711 gets"))
        #expect(!text.contains("untrusted-issuer"))
        let unmatched = try ExplainFixture().report([("CN", "stranger")], by: stranger)
        #expect(unmatched.decision.outcome.code == "no-matching-profile" && unmatched.decision.trials.count == 3)
    }

    @Test func aPinStandsForTheAnchor() throws {
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger CA")
        let fixture = try ExplainFixture()
        let issued = try stranger.issue(CertificateTemplate(subject: ExplainFixture.meter))
        let leaf = try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first)
        let device = RegisteredDevice(
            key: ExplainFixture.key, state: .suspended, profile: "smart-meter",
            pins: [CertificatePin(.certificate, sha256: leaf.sha256Fingerprint)].compactMap(\.self))
        let report = try fixture.engine([device]).report(leaf, ExplainCircumstances(), ExplainQuestions())
        #expect(report.decision.outcome.code == "device-suspended")
        #expect(report.chain.trustAnchor == nil && report.grant == nil)
    }

    @Test func aServersCertificateIsRefusedByTLS() throws {
        let report = try ExplainFixture().report(ExplainFixture.meter, purpose: .server)
        #expect(report.chain.code == "wrong-extended-key-usage")
        #expect(report.grant == nil)
        #expect(ExplainText(report: report).text.contains("if the chain were accepted"))
    }

    @Test(arguments: [
        (DeviceState.suspended, "device-suspended"), (.retired, "device-retired"), (.pending, "device-pending"),
    ])
    func theRegistryCounts(state: DeviceState, code: String) throws {
        let report = try ExplainFixture().report(
            ExplainFixture.meter, devices: [RegisteredDevice(key: ExplainFixture.key, state: state)])
        #expect(report.decision.outcome.code == code)
        #expect(report.decision.registration?.state == state)
        #expect(!report.isAdmitted)
    }

    @Test func aClientIdentifierCounts() throws {
        let fixture = try ExplainFixture()
        let yaml = try fixture.gate.folder.text("gate/profiles/smart-meter.yaml")
        try fixture.gate.write(yaml + "\nclient-id: equal\n", to: "profiles/smart-meter.yaml")
        for (clientID, isPermitted) in [
            ("meter-4711", true), ("meter-471", false), ("", false), ("meter-4711-x", false),
        ] {
            let report = try fixture.report(ExplainFixture.meter, ExplainQuestions(clientID: clientID))
            #expect(report.clientID?.isPermitted == isPermitted)
            #expect(report.isAdmitted == isPermitted)
        }
    }

    @Test func theReportSurvivesJSON() throws {
        let report = try ExplainFixture().report(ExplainFixture.meter, ExplainQuestions(clientID: "x"))
        let json = try JSONText.encode(report)
        #expect(try JSONDecoder().decode(ExplainReport.self, from: Data(json.utf8)) == report)
    }

    @Test func noPrivateKeyIsNeeded() throws {
        let fixture = try ExplainFixture()
        try FileManager.default.removeItem(atPath: fixture.gate.folder.path + "/gate/server.key")
        #expect(try fixture.report(ExplainFixture.meter).isAdmitted)
    }

    @Test(arguments: ["ca/ca.pem", "profiles/smart-meter.yaml", "fleetgate.yaml"])
    func aBrokenFileIsAMistake(name: String) throws {
        let fixture = try ExplainFixture()
        try fixture.gate.write("broken: [", to: name)
        #expect(throws: ProfileMistakes.self) { try fixture.engine() }
    }
}

@Suite struct ExplainRouteTests {
    private func route(
        _ fixture: ExplainFixture, live: [ExplainRoute.LiveSession] = [], last: [UInt8]? = nil
    ) throws -> ExplainRoute {
        let loaded = try #require(fixture.gate.load().loaded)
        return ExplainRoute(
            snapshot: { PolicySnapshot(profiles: loaded.profiles) }, tls: { loaded.serverTLS }, listener: "default",
            sessions: { _ in live }, lastCertificate: { _ in last }, now: { Int64(Date().timeIntervalSince1970) })
    }

    private func der(_ fixture: ExplainFixture) throws -> [UInt8] {
        let issued = try fixture.root.issue(CertificateTemplate(subject: ExplainFixture.meter))
        return try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first).der
    }

    @Test func theLiveCertificateComesBeforeTheLast() async throws {
        let fixture = try ExplainFixture()
        let session = ExplainReport.Session(
            connection: 7, address: "192.0.2.1:5", since: 0, clientID: "c", profile: "smart-meter", quarantine: nil)
        let report = try await route(
            fixture, live: [.init(session: session, identity: try PeerCertificate(parsing: der(fixture)).identity)],
            last: [1]
        ).answer(ExplainRequest(device: ExplainFixture.key))
        #expect(report.sessions == [session] && report.isAdmitted)
        let offline = try await route(fixture, last: try der(fixture)).answer(
            ExplainRequest(device: ExplainFixture.key))
        #expect(offline.sessions.isEmpty && offline.grant?.device == ExplainFixture.key)
    }

    @Test(arguments: [nil, [], [1, 2, 3], [UInt8](repeating: 0x30, count: 64)] as [[UInt8]?])
    func withoutACertificateThereIsNothingToExplain(last: [UInt8]?) async throws {
        let route = try route(try ExplainFixture(), last: last)
        await #expect(throws: ControlFailure.self) {
            try await route.answer(ExplainRequest(device: ExplainFixture.key))
        }
    }

    @Test(arguments: [(ExplainQuestions.topicsMax + 1, UInt8(0)), (1, 3), (1, 255)])
    func requestsOutOfBoundsAreRefused(count: Int, qos: UInt8) async throws {
        let fixture = try ExplainFixture()
        let topic = ExplainQuestions.Topic(action: .publish, topic: "x", qos: qos, retain: false)
        var request = ExplainRequest(device: ExplainFixture.key)
        request.questions.topics = Array(repeating: topic, count: count)
        let route = try route(fixture, last: try der(fixture))
        await #expect(throws: ControlFailure.self) { try await route.answer(request) }
    }

    @Test func aRequestSurvivesJSON() throws {
        var request = ExplainRequest(device: ExplainFixture.key)
        request.circumstances = ExplainCircumstances(tlsVersion: .tls12, serverName: "x", listener: nil)
        let data = try JSONEncoder().encode(request)
        #expect(try JSONDecoder().decode(ExplainRequest.self, from: data) == request)
        let bad = String(decoding: data, as: UTF8.self).replacing("1.2", with: "1.1")
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExplainRequest.self, from: Data(bad.utf8)) }
    }
}
