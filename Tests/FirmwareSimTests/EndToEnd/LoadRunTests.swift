import ArgumentParser
import FleetPKI
import MQTTCodec
import NIOCore
import Synchronization
import Testing

@testable import FirmwareSim

/// Whole runs over real sockets on 127.0.0.1.
@Suite struct LoadRunTests {
    /// What each run needs, made anew: a device CA and a server CA.
    struct Setting {
        let deviceAuthority: CertificateAuthority
        let serverAuthority: CertificateAuthority

        init() throws {
            deviceAuthority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Device CA")
            serverAuthority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Server CA")
        }

        /// With a device CA that a server of the other setting does not know.
        init(serverAuthority: CertificateAuthority) throws {
            self.deviceAuthority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger CA")
            self.serverAuthority = serverAuthority
        }

        /// Runs against `port` until all is over, or until `enough` says so.
        func run(
            port: Int, options: [String], issuer: CertificateAuthority? = nil, serverName: String = "localhost",
            until enough: @escaping @Sendable (LoadRun.Progress) -> Bool = { _ in false }
        ) async throws -> RunReport {
            let arguments =
                ["--target", "127.0.0.1:\(port)", "--server-name", serverName, "--ca", "x", "--issuer", "x"]
                + ["--issuer-key", "x", "--rate", "0", "--loops", "2"] + options
            let command = try #require(try RunCommand.parseAsRoot(arguments) as? RunCommand)
            let plan = try command.plan(seed: 1)
            return try await run(plan, issuer: issuer, until: enough)
        }

        /// Runs a plan until all is over, or until `enough` says so.
        func run(
            _ plan: RunPlan, issuer: CertificateAuthority? = nil,
            until enough: @escaping @Sendable (LoadRun.Progress) -> Bool = { _ in false },
            renew: (@Sendable (SimulatedDevice) throws -> DeviceCredential)? = nil
        ) async throws -> RunReport {
            let devices = try SimulatedDevice.all(of: plan.fleets)
            let credentials = try await CredentialIssuer(
                authority: issuer ?? deviceAuthority, cache: nil, validityDays: 30
            ).credentials(for: LoadRun.ownDevices(of: plan, in: devices)) { _ in }
            let isEnough = Flag()
            let serverAuthoritiesPEM = try serverAuthority.certificatePEM
            return try await LoadRun(
                plan: plan, devices: devices, credentials: credentials,
                serverAuthoritiesPEM: serverAuthoritiesPEM, renew: renew
            ).run(
                interruption: { isEnough.isSet },
                observe: { progress in
                    if enough(progress) { isEnough.set() }
                })
        }

        /// Runs `body` with a server that does what `script` says.
        func withServer<Result>(
            _ script: ScriptedServer.Script, _ body: (ScriptedServer) async throws -> Result
        ) async throws -> Result {
            let server = try await ScriptedServer.start(
                script, issuer: serverAuthority, trusting: deviceAuthority, version: .v3_1_1)
            let result: Result
            do {
                result = try await body(server)
            } catch {
                try await server.stop()
                throw error
            }
            try await server.stop()
            return result
        }

        func run(
            _ script: ScriptedServer.Script, version: MQTTProtocolVersion = .v3_1_1, options: [String],
            until enough: @escaping @Sendable (LoadRun.Progress) -> Bool = { _ in false }
        ) async throws -> RunReport {
            let server = try await ScriptedServer.start(
                script, issuer: serverAuthority, trusting: deviceAuthority, version: version)
            let report: RunReport
            do {
                report = try await run(
                    port: server.port, options: options + ["--mqtt", version == .v5 ? "5" : "3.1.1"], until: enough)
            } catch {
                try await server.stop()
                throw error
            }
            try await server.stop()
            return report
        }
    }

    final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    static let once = ["--devices", "4", "--connect-only"]
    static let tlsVersions = DeviceTLS.supports(.v13) ? ["1.2", "1.3"] : ["1.2"]

    @Test(arguments: tlsVersions, [MQTTProtocolVersion.v3_1_1, .v5])
    func publishesAreAcknowledged(tls: String, mqtt: MQTTProtocolVersion) async throws {
        let report = try await Setting().run(
            .serve, version: mqtt, options: ["--devices", "6", "--period", "20ms", "--tls", tls]
        ) { $0.counters.acknowledged >= 30 && $0.connectedNow == 6 }
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
        #expect(report.devices == .init(planned: 6, attempted: 6, connected: 6))
        #expect(report.publishing.acknowledged >= 30)
        #expect(report.publishing.acknowledged == report.publishing.published)
        #expect(report.connack == ["accepted": 6])
        #expect(report.latency["publish"]?.count == UInt64(report.publishing.acknowledged))
        #expect(report.failures.isEmpty)
    }

    @Test func threeFleetsInOneRun() async throws {
        let report = try await Setting().run(
            .serve,
            options: [
                "--fleet", "name=meters;count=3;qos=0;period=20ms", "--fleet", "name=trackers;count=2;period=20ms",
                "--fleet", "name=gateways;count=1;period=0",
            ]
        ) { $0.counters.acknowledged >= 4 && $0.counters.published >= 12 && $0.connectedNow == 6 }
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
        #expect(report.fleets.map(\.connected) == [3, 2, 1])
        #expect(report.fleets.map { $0.published > 0 } == [true, true, false])
        #expect(report.fleets[0].acknowledged == 0)
    }

    @Test(arguments: tlsVersions)
    func connectOnlyLeavesAndMeasures(tls: String) async throws {
        let report = try await Setting().run(.serve, options: ["--devices", "20", "--connect-only", "--tls", tls])
        #expect(report.verdict.passed, "\(report.failures)")
        #expect(report.handshakes.connects == 20)
        #expect(report.handshakes.completed == 20)
        #expect(report.publishing.published == 0)
    }

    @Test func withADurationDevicesConnectAgainAndAgain() async throws {
        let report = try await Setting().run(
            .serve, options: ["--devices", "3", "--connect-only", "--duration", "1h"]
        ) { $0.counters.connects >= 12 }
        #expect(report.handshakes.connects >= 12)
        #expect(report.devices.connected == 3)
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    @Test func aRateIsKeptOverManyRounds() async throws {
        let report = try await Setting().run(
            .serve, options: ["--devices", "3", "--connect-only", "--duration", "1h", "--rate", "50"]
        ) { $0.counters.connects >= 9 }
        #expect(report.handshakes.connects >= 9)
        #expect(report.verdict.passed, "\(report.failures)")
    }

    @Test(
        arguments: [
            (ScriptedServer.Script.refuse(.notAuthorized), MQTTProtocolVersion.v3_1_1, "connack/connack-5"),
            (.refuse(.serverUnavailable), .v3_1_1, "connack/connack-3"),
            (.refuse(.notAuthorized), .v5, "connack/connack-135"),
            (.refuse(.banned), .v5, "connack/connack-138"), (.closeAtConnect, .v3_1_1, "connack/eof"),
            (.closeAtOnce, .v3_1_1, "tls/eof"), (.garbage, .v3_1_1, "connack/mqtt-reserved-bits"),
        ])
    func aRefusalHasItsReason(script: ScriptedServer.Script, version: MQTTProtocolVersion, reason: String) async throws
    {
        let report = try await Setting().run(script, version: version, options: Self.once)
        #expect(!report.verdict.passed)
        #expect(report.devices.connected == 0)
        #expect(report.fleets[0].neverConnected == [reason: 4])
        #expect(report.handshakes.connects == 0)
    }

    @Test func aServerThatNeverAnswersTimesOut() async throws {
        let report = try await Setting().run(.neverAnswer, options: Self.once + ["--connect-timeout", "700ms"])
        // On a machine under load some handshakes may not be over in time; the reason is the same.
        #expect(
            report.failures.map(\.reason) == ["timeout"] || report.failures.map(\.reason) == ["timeout", "timeout"])
        #expect(report.failures.reduce(0) { $0 + $1.count } == 4)
    }

    @Test func aPortWhereNobodyListens() async throws {
        let setting = try Setting()
        let server = try await ScriptedServer.start(
            .serve, issuer: setting.serverAuthority, trusting: setting.deviceAuthority, version: .v3_1_1)
        let port = server.port
        try await server.stop()
        let report = try await setting.run(port: port, options: Self.once)
        #expect(report.fleets[0].neverConnected == ["tcp/tcp-refused": 4])
    }

    @Test(arguments: tlsVersions)
    func aCertificateOfAnotherAuthorityIsRefusedByAlert(tls: String) async throws {
        let setting = try Setting()
        let server = try await ScriptedServer.start(
            .serve, issuer: setting.serverAuthority, trusting: setting.deviceAuthority, version: .v3_1_1)
        let report = try await setting.run(
            port: server.port, options: Self.once + ["--tls", tls],
            issuer: CertificateAuthority.makeDevelopmentRoot(commonName: "Another CA"))
        try await server.stop()
        // With TLS 1.3 the client's handshake is over before the server has judged the certificate.
        let phase = tls == "1.3" ? "connack" : "tls"
        #expect(report.fleets[0].neverConnected == ["\(phase)/alert-unknown-ca": 4])
    }

    @Test func aServerWithAnotherNameIsRefused() async throws {
        let setting = try Setting()
        let server = try await ScriptedServer.start(
            .serve, issuer: setting.serverAuthority, trusting: setting.deviceAuthority, version: .v3_1_1)
        let report = try await setting.run(port: server.port, options: Self.once, serverName: "other.example")
        try await server.stop()
        #expect(report.fleets[0].neverConnected == ["tls/wrong-name": 4])
    }

    @Test(
        arguments: [
            (ScriptedServer.Script.refusePublishes(.notAuthorized), MQTTProtocolVersion.v5, "puback-135"),
            (.disconnectAtPublish(.notAuthorized), .v5, "disconnect-135"), (.connackTwice, .v3_1_1, "protocol-error"),
            (.unexpectedPublish, .v3_1_1, "mqtt-unexpected-packet"),
            (.disconnectAtPublish(.success), .v3_1_1, "mqtt-unexpected-packet"),
        ])
    func aSessionThatGoesWrongHasItsReason(
        script: ScriptedServer.Script, version: MQTTProtocolVersion, reason: String
    ) async throws {
        let report = try await Setting().run(
            script, version: version, options: ["--devices", "2", "--period", "20ms", "--reconnect", "none"]
        ) { $0.counters.failures >= 2 }
        #expect(Set(report.failures.map { "\($0.phase)/\($0.reason)" }) == ["session/\(reason)"])
        #expect(report.devices.connected == 2)
    }

    @Test func publishesWithoutAnswerFailTheRun() async throws {
        let report = try await Setting().run(
            .neverAcknowledge, options: ["--devices", "1", "--period", "20ms"]
        ) { $0.counters.published >= 3 }
        #expect(!report.verdict.passed)
        #expect(report.publishing.lost == report.publishing.published)
        #expect(report.failures.map(\.reason) == ["puback-missing"])
    }

    @Test func devicesComeBackAfterFailures() async throws {
        let report = try await Setting().run(
            .closeFirst(5), options: ["--devices", "3", "--period", "0", "--reconnect", "fixed:10ms"]
        ) { $0.connectedNow == 3 }
        #expect(report.verdict.passed)
        #expect(report.failures == [.init(phase: "connack", reason: "eof", count: 5)])
        #expect(report.handshakes.attempts == 8)
    }

    @Test func unusableFilesAreSaidOnceBeforeTheRun() async throws {
        let setting = try Setting()
        let command = try #require(
            try RunCommand.parseAsRoot(RunCommandTests.needed + ["--devices", "3"]) as? RunCommand)
        let plan = try command.plan(seed: 1)
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let credentials = try await CredentialIssuer(
            authority: setting.deviceAuthority, cache: nil, validityDays: 30
        ).credentials(for: devices) { _ in }
        var local = plan
        local.target = .init(host: "127.0.0.1", port: 1, serverName: "x")
        let run = LoadRun(
            plan: local, devices: devices, credentials: credentials, serverAuthoritiesPEM: "not a certificate")
        await #expect { try await run.run() } throws: { ($0 as? SimulatorError)?.code == "tls-configuration" }
    }
}
