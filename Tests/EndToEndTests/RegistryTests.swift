import FleetPKI
import Foundation
import TestKit
import Testing

/// Single devices: what the registry says about one decides before its class does, at once, and over live sessions.
@Suite("Registry", .serialized)
struct RegistryTests {
    private static let meter = "hamburg-nord/meter-4711"

    @Test(
        "A disabled device is cut off at once, stays out, and comes back when it is enabled",
        arguments: ClientTests.versions)
    func disabled(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        let device = try DeviceConnection(to: gate, as: credentials)
        try await device.connect(MQTTBytes.connect(version))
        let other = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4712")))
        try await other.connect(MQTTBytes.connect(version))

        try await gate.run("device", "disable", Self.meter, "--reason", "stolen")
        if version == .v5 {
            let disconnect = try await device.packet()
            #expect(disconnect.starts(with: [0xE0]) && disconnect.dropFirst(2).first ?? 0 >= 0x80, "\(disconnect)")
        }
        try await device.ended()
        try await gate.logEntry("session ended", ["reason": "device-suspended", "device": "meter-4711"])

        let start = gate.process.lines.count
        #expect(try await DeviceConnection(to: gate, as: credentials).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "device-suspended"], from: start)

        try await gate.run("device", "enable", Self.meter)
        let again = try DeviceConnection(to: gate, as: credentials)
        #expect(try await again.connect(MQTTBytes.connect(version))[3] == 0)
        try other.send(MQTTBytes.pingRequest)
        #expect(try await other.packet() == [0xD0, 0])
    }

    @Test("first-seen: the first connection succeeds and registers the device, up to the quota")
    func firstSeen() async throws {
        let gate = try await FleetGateProcess.start(
            files: ["profiles/smart-meter.yaml": Self.profile("registration: { mode: first-seen, quota: 1 }")])
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        let listed = try await gate.run("device", "list", "--json").standardOutput
        #expect(listed.contains("meter-1") && listed.contains("\"active\""), "\(listed)")

        #expect(
            try await DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("2"))).ended()
                .standardOutput.isEmpty)
        try await gate.logEntry(
            "certificate refused by the profiles", ["reason": "registration-quota-exceeded"])
        // The one that is registered comes and goes as it likes.
        let again = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await again.connect(MQTTBytes.connect(.v3_1_1))[3] == 0)
        // Whom the registry does not have any more does not stay, and one that comes back is registered again.
        try await gate.run("device", "remove", "hamburg-nord/meter-1")
        try await again.ended()
        let back = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await back.connect(MQTTBytes.connect(.v5))[3] == 0)
        #expect(try await gate.run("device", "list", "--json").standardOutput.contains("meter-1"))
    }

    @Test("first-seen with approval: in the queue after the first attempt, in after the approval")
    func approval() async throws {
        let gate = try await FleetGateProcess.start(
            files: ["profiles/smart-meter.yaml": Self.profile("registration: { mode: first-seen, approval: true }")])
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        #expect(try await DeviceConnection(to: gate, as: credentials).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "device-pending"])
        try await gate.logEntry("device registered", ["device": "meter-4711", "state": "pending"])
        try await gate.run("device", "approve", Self.meter)
        let device = try DeviceConnection(to: gate, as: credentials)
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
    }

    @Test("listed: nobody gets in who is not in the registry")
    func listed() async throws {
        let gate = try await FleetGateProcess.start(
            files: ["profiles/smart-meter.yaml": Self.profile("registration: listed")])
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        #expect(try await DeviceConnection(to: gate, as: credentials).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "not-registered"])
        try await gate.run("device", "add", Self.meter)
        let device = try DeviceConnection(to: gate, as: credentials)
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
    }

    @Test("A pinned certificate of no CA gets in as its device; another of no CA does not")
    func selfSigned() async throws {
        let gate = try await FleetGateProcess.start()
        let pinned = try await gate.selfSigned("CN=whatever")
        let stranger = try await gate.selfSigned("CN=whatever")
        try await gate.run(
            "device", "add", Self.meter, "--profile", "smart-meter", "--attribute", "serial=4711", "--attribute",
            "site=hamburg-nord")
        try await gate.run("device", "pin", Self.meter, "--cert", pinned.certificatePath)
        let device = try DeviceConnection(to: gate, as: pinned)
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        try device.send(
            MQTTBytes.publish(.v5, topic: "meters/hamburg-nord/meter-4711/telemetry", payload: "1", qos: 1))
        #expect(try await device.packet().dropFirst(4).first ?? 0 < 0x80)
        #expect(try await DeviceConnection(to: gate, as: stranger).ended().standardOutput.isEmpty)
        try await gate.logEntry("handshake failed", ["reason": "unknown-ca"])

        // Without its pin it is a stranger, live session and all.
        try await gate.run("device", "unpin", Self.meter, "--all")
        try await device.ended()
    }

    @Test("A device with pins: two certificates at once while it rotates, and no third of the same name")
    func rotation() async throws {
        let gate = try await FleetGateProcess.start()
        let certificates = try (0..<3).map { _ in try gate.credentials(DeviceName.meter("4711")) }
        try await gate.run("device", "add", Self.meter)
        for certificate in certificates.prefix(2) {
            try await gate.run("device", "pin", Self.meter, "--cert", certificate.certificatePath)
        }
        for certificate in certificates.prefix(2) {
            let device = try DeviceConnection(to: gate, as: certificate)
            #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        }
        #expect(try await DeviceConnection(to: gate, as: certificates[2]).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "certificate-not-pinned"])
    }

    @Test("Second factor: the certificate alone is not enough, and neither is a wrong password")
    func secondFactor() async throws {
        let gate = try await FleetGateProcess.start(
            files: [
                "profiles/smart-meter.yaml": Self.profile("second-factor: password"), "password": "correct horse\n",
            ])
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        #expect(try await DeviceConnection(to: gate, as: credentials).ended().standardOutput.isEmpty)
        try await gate.logEntry("certificate refused by the profiles", ["reason": "no-password-set"])
        try await gate.run("device", "add", Self.meter)
        try await gate.run("device", "set-password", Self.meter, "--password-file", gate.path("password"))

        for (password, code) in [(nil, UInt8(0x86)), ("wrong horse", 0x86), ("", 0x86), ("correct horse", 0)] {
            let device = try DeviceConnection(to: gate, as: credentials)
            let connack = try await device.connect(
                MQTTBytes.connect(.v5, userName: "anything", password: password))
            #expect(connack[3] == code, "\(password ?? "none"): \(connack)")
        }
        try await gate.logEntry("session ended", ["reason": "password-required"])
        try await gate.logEntry("session ended", ["reason": "bad-password"], count: 2)
        #expect(!gate.process.everything.contains("horse"), "a password is in the log")
    }

    @Test("Quarantine: an expired or suspended device gets its narrow profile, and nothing else")
    func quarantine() async throws {
        let gate = try await FleetGateProcess.start(
            files: [
                "profiles/smart-meter.yaml": Self.profile(
                    "quarantine: { profile: rescue, expired: 30d, suspended: true }"),
                "profiles/rescue.yaml": """
                profile: rescue
                abstract: true
                publish: ["rescue/{tenant}/{device}/renewal"]
                """,
            ])
        let template = CertificateTemplate(
            subject: DeviceName.meter("1"), notBefore: Date() - 20 * 86_400, notAfter: Date() - 10 * 86_400)
        let expired = try DeviceConnection(to: gate, as: gate.credentials(template))
        #expect(try await expired.connect(MQTTBytes.connect(.v5))[3] == 0)
        try await expired.permits("rescue/hamburg-nord/meter-1/renewal")
        try await expired.refuses("meters/hamburg-nord/meter-1/telemetry")

        let tooLong = CertificateTemplate(
            subject: DeviceName.meter("2"), notBefore: Date() - 60 * 86_400, notAfter: Date() - 40 * 86_400)
        #expect(try await DeviceConnection(to: gate, as: gate.credentials(tooLong)).ended().standardOutput.isEmpty)

        let live = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("3")))
        try await live.connect(MQTTBytes.connect(.v5))
        try await gate.run("device", "disable", "hamburg-nord/meter-3")
        try await live.ended()
        try await gate.logEntry("session ended", ["reason": "device-suspended", "device": "meter-3"])
        let suspended = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("3")))
        #expect(try await suspended.connect(MQTTBytes.connect(.v5))[3] == 0)
        try await suspended.permits("rescue/hamburg-nord/meter-3/renewal")
        try await suspended.refuses("meters/hamburg-nord/meter-3/telemetry")
        #expect(try await gate.metrics().sum("fleetgate_sessions_quarantined") == 2)
    }

    @Test("An import with a bad row changes nothing and names the line; a good one is there at once")
    func importing() async throws {
        let gate = try await FleetGateProcess.start(
            files: ["profiles/smart-meter.yaml": Self.profile("registration: listed")])
        var rows = (1...2_000).map { "hamburg-nord,meter-\($0),active" }
        rows[1_499] = "hamburg-nord,me+er,active"
        rows[700] = "hamburg-nord,meter-701,sleeping"
        let head = "tenant,device,state\n"
        try gate.directory.write("gate/bad.csv", head + rows.joined(separator: "\n") + "\n")
        let refused = try await gate.runFailing("device", "import", gate.path("bad.csv"))
        #expect(refused.contains("bad.csv:1501:") && refused.contains("bad.csv:702:"), "\(refused)")
        #expect(!(try await gate.run("device", "list", "--json").standardOutput.contains("meter-1\"")))

        rows[1_499] = "hamburg-nord,meter-1500,active"
        rows[700] = "hamburg-nord,meter-701,suspended"
        try gate.directory.write("gate/good.csv", head + rows.joined(separator: "\n") + "\n")
        try await gate.run("device", "import", gate.path("good.csv"))
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1500")))
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        #expect(
            try await DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("701"))).ended()
                .standardOutput.isEmpty)
    }

    @Test("The registry outlives the gateway, and is changed without it, which is said")
    func persistent() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        try await gate.run("device", "add", Self.meter, "--note", "cellar")
        gate.process.signal(SIGTERM)
        try await gate.process.finished()
        let outcome = try await gate.run("device", "show", Self.meter)
        #expect(outcome.standardOutput.contains("cellar"))
        let changed = try await gate.run("device", "disable", Self.meter)
        #expect(changed.everything.contains("the gateway is not running"), "\(changed.everything)")
        #expect(try await gate.run("device", "show", Self.meter, "--json").standardOutput.contains("suspended"))
    }

    /// The meters' profile with further lines.
    static func profile(_ lines: String...) -> String {
        """
        profile: smart-meter
        match: { subject: { O: "Elbe Netz", OU: "{site:slug}", CN: "meter-{serial:digits}" } }
        device: "meter-{serial}"
        tenant: "{site}"
        publish: [{ topic: "meters/{tenant}/{device}/telemetry", qos: 1 }]
        subscribe: [{ topic: "meters/{tenant}/{device}/commands/#", qos: 1 }]

        """ + lines.joined(separator: "\n") + "\n"
    }
}
