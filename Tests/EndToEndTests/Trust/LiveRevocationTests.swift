import FleetPKI
import Foundation
import TestKit
import Testing

/// A new revocation list reaches the sessions that are open, and none but those.
///
/// How long it takes is printed, and measured with a release build by `make bench-revoke`.
@Suite("A new CRL and 5,000 live sessions", .serialized)
struct LiveRevocationTests {
    private static let fleetSize = 5_000
    private static let entries = 100_000
    private static let revokedCount = 20

    @Test("Exactly the revoked sessions end, each told why; nobody else notices")
    func endsExactlyThose() async throws {
        let gate = try await FleetGateProcess.start(
            changing: [ConfigurationChange("log:\n", Self.trust + "log:\n")])
        let fleet = try SimulatedFleet(
            gate, devices: Self.fleetSize,
            extra: ["--period", "0", "--rate", "0", "--concurrency", "64", "--keep-alive", "600s"])
        try await Self.until { try await gate.metrics().sum("fleetgate_sessions") >= Self.fleetSize }

        var revoked: [(DeviceCredentials, DeviceConnection)] = []
        for number in 1...Self.revokedCount {
            let credentials = try gate.credentials(DeviceName.meter("\(number)", site: "lone"))
            let device = try DeviceConnection(to: gate, as: credentials)
            #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
            revoked.append((credentials, device))
        }
        let list = try Self.list(of: revoked.map(\.0.issued.serialNumber), by: gate.authority)
        try gate.directory.write("gate/ca/crl.pem.new", list)

        let clock = ContinuousClock()
        let began = clock.now
        try FileManager.default.moveItem(atPath: gate.path("ca/crl.pem.new"), toPath: gate.path("ca/crl.pem"))
        var last = Duration.zero
        for (_, device) in revoked {
            let packet = try await device.packet()
            #expect(packet.first == 0xE0, "DISCONNECT comes first: \(packet)")
            try await device.ended()
            last = clock.now - began
        }
        print(
            "from a new CRL of \(Self.entries) entries to \(Self.revokedCount) closed sockets, "
                + "with \(Self.fleetSize) live sessions (debug build): \(last)")

        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_sessions") == Self.fleetSize)
        #expect(metrics.endedSessions("certificate-revoked") == Self.revokedCount)
        #expect(metrics.sum("fleetgate_sessions_ended_total") == Self.revokedCount)
        let report = try await fleet.ends()
        #expect(report.connects == Self.fleetSize, "nobody had to come back")
        let again = try await DeviceConnection(to: gate, as: revoked[0].0).ended()
        #expect(again.standardError.contains("certificate revoked"), "\(again.standardError)")
    }

    private static let trust = """
        trust:
          anchors:
            default:
              crl:
                files: [ca/crl.pem]

        """

    /// A list with these and many others, none of them of the fleet.
    private static func list(of serials: [String], by authority: CertificateAuthority) throws -> String {
        let now = Date()
        let others = (0..<Self.entries - serials.count).map { String(format: "7fffffff%024x", $0) }
        return try authority.issueCRL(
            revoked: (others + serials).map { RevokedCertificate(serialNumber: $0, revokedAt: now) }, thisUpdate: now,
            nextUpdate: now + 86_400, number: 2
        ).pem
    }

    /// Waits for what only metrics tell.
    private static func until(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, "the fleet did not connect")
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
