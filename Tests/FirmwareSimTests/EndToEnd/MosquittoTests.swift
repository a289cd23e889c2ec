import FleetPKI
import Foundation
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import FirmwareSim

/// Against a broker that is not ours.
@Suite(.serialized) struct MosquittoTests {
    /// A mosquitto of our own that asks for client certificates, ended by its process id.
    struct Broker {
        let process: RunningProcess
        let port: Int

        /// Runs `body` with a broker, or prints why not where there is no mosquitto.
        static func with(_ setting: LoadRunTests.Setting, _ body: (Broker) async throws -> Void) async throws {
            guard Program.installed("mosquitto") != nil else {
                print("skipped: no mosquitto is installed (Debian package mosquitto)")
                return
            }
            let folder = try ScratchDirectory()
            let issued = try setting.serverAuthority.issue(
                CertificateTemplate(
                    subject: [("CN", "localhost")], alternativeNames: [.dns("localhost")], purpose: .server))
            let port = try unusedPort()
            let broker = try await MosquittoBroker(
                listener: """
                    listener \(port) 127.0.0.1
                    cafile \(try folder.write("ca.pem", try setting.deviceAuthority.certificatePEM))
                    certfile \(try folder.write("server.pem", issued.chainPEM))
                    keyfile \(try folder.write("server.key", issued.privateKeyPEM))
                    require_certificate true
                    use_identity_as_username true
                    set_tcp_nodelay true
                    """)
            try await body(Broker(process: broker.process, port: port))
            try await broker.process.stop()
            withExtendedLifetime(folder) {}
        }
    }

    @Test(arguments: LoadRunTests.tlsVersions, ["3.1.1", "5"])
    func aFleetPublishesToIt(tls: String, mqtt: String) async throws {
        let setting = try LoadRunTests.Setting()
        try await Broker.with(setting) { broker in
            let report = try await setting.run(
                port: broker.port,
                options: [
                    "--devices", "8", "--period", "20ms", "--tls", tls, "--mqtt", mqtt, "--server-pid",
                    "\(broker.process.processID)",
                ]
            ) { $0.counters.acknowledged >= 40 && $0.connectedNow == 8 }
            #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
            #expect(report.devices.connected == 8)
            #expect(report.servers.first?.processorSeconds != nil)
        }
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func itRefusesACertificateOfAnotherAuthority(tls: String) async throws {
        let setting = try LoadRunTests.Setting()
        try await Broker.with(setting) { broker in
            let report = try await setting.run(
                port: broker.port, options: LoadRunTests.once + ["--tls", tls],
                issuer: CertificateAuthority.makeDevelopmentRoot(commonName: "Another CA"))
            #expect(report.devices.connected == 0)
            #expect(report.failures.map(\.reason) == ["alert-unknown-ca"])
        }
    }
}
