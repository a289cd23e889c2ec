import FleetPKI
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import FirmwareSim

/// Against a broker that is not ours.
@Suite(.serialized) struct MosquittoTests {
    static let executable = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// A mosquitto of our own that asks for client certificates, ended by its process id.
    struct Broker {
        let process: Process
        let port: Int
        let folder: URL
        /// Finishes when the process has ended; nothing waits for it on a thread.
        let end: AsyncStream<Void>

        /// Runs `body` with a broker, or prints why not where there is no mosquitto.
        static func with(_ setting: LoadRunTests.Setting, _ body: (Broker) async throws -> Void) async throws {
            guard let executable = MosquittoTests.executable else {
                print("skipped: no mosquitto is installed (Debian package mosquitto)")
                return
            }
            let broker = try await start(setting, executable)
            do {
                try await broker.waitUntilListening()
                try await body(broker)
            } catch {
                await broker.stop()
                throw error
            }
            await broker.stop()
        }

        private static func start(_ setting: LoadRunTests.Setting, _ executable: String) async throws -> Broker {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sim-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let issued = try setting.serverAuthority.issue(
                CertificateTemplate(
                    subject: [("CN", "localhost")], alternativeNames: [.dns("localhost")], purpose: .server))
            func write(_ text: String, _ name: String) throws -> String {
                let file = folder.appendingPathComponent(name)
                try text.write(to: file, atomically: true, encoding: .utf8)
                return file.path
            }
            let port = try await freePort()
            let configuration = """
                listener \(port) 127.0.0.1
                cafile \(try write(try setting.deviceAuthority.certificatePEM, "ca.pem"))
                certfile \(try write(issued.chainPEM, "server.pem"))
                keyfile \(try write(issued.privateKeyPEM, "server.key"))
                require_certificate true
                use_identity_as_username true
                allow_anonymous true
                set_tcp_nodelay true
                user \(NSUserName())

                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = ["-c", try write(configuration, "mosquitto.conf")]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            let (end, ended) = AsyncStream<Void>.makeStream()
            process.terminationHandler = { _ in ended.finish() }
            try process.run()
            return Broker(process: process, port: port, folder: folder, end: end)
        }

        /// A port that was free a moment ago.
        private static func freePort() async throws -> Int {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .bind(host: "127.0.0.1", port: 0).get()
            let port = channel.localAddress?.port
            try await channel.close()
            return try #require(port)
        }

        private func waitUntilListening() async throws {
            // The broker says nothing when it is ready: ask until it is or has died.
            while process.isRunning {
                let probe = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: port).get()
                if let probe {
                    try await probe.close()
                    return
                }
                await Task.yield()
            }
            throw CocoaError(.executableLoad)
        }

        private func stop() async {
            // Not SIGTERM: a child inherits the signals that Dispatch blocks on its threads, that one among them.
            kill(process.processIdentifier, SIGKILL)
            for await _ in end {}
            try? FileManager.default.removeItem(at: folder)
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
                    "\(broker.process.processIdentifier)",
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
