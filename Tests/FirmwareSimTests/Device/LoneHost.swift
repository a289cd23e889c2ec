import FleetPKI
import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

@testable import FirmwareSim

/// A host of a few devices on one event loop, with real sockets and TLS, for tests of devices alone.
final class LoneHost: DeviceHost {
    let eventLoop: any EventLoop
    let mqtt: MQTTProtocolVersion
    var stageStart: NIODeadline = .uptimeNanoseconds(0)

    private(set) var observations: [Observation] = []
    private(set) var renewals = 0
    private let target: SocketAddress
    private let tls: DeviceTLS
    private let authority: CertificateAuthority
    private var runners: [DeviceRunner] = []
    private var devices: [SimulatedDevice] = []
    private var credentials: [DeviceCredential] = []
    private var finished: Set<Int> = []
    private var waiters: [(condition: (LoneHost) -> Bool, promise: EventLoopPromise<Void>)] = []
    private var isLinkUp = true

    init(
        eventLoop: any EventLoop, fleets: [ScenarioFleet], port: Int, setting: LoadRunTests.Setting,
        mqtt: MQTTProtocolVersion, tls: RunPlan.TLSVersionChoice, connectTimeout: TimeAmount, leaves: Leaves,
        resumption: Resumption
    ) throws {
        self.eventLoop = eventLoop
        self.mqtt = mqtt
        self.target = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        self.tls = DeviceTLS(
            serverAuthoritiesPEM: try setting.serverAuthority.certificatePEM, choice: tls,
            connectTimeout: connectTimeout)
        self.authority = setting.deviceAuthority
        self.devices = try SimulatedDevice.all(of: fleets)
        self.credentials = try devices.map { try Self.issue($0, authority) }
        let settings = fleets.map { fleet in
            DeviceSettings(
                connectTimeout: connectTimeout, firmware: fleet.firmware, deviceClass: fleet.deviceClass,
                conduct: fleet.conduct, keepAlive: .seconds(60), leaves: leaves, resumption: resumption)
        }
        self.runners = devices.map { device in
            DeviceRunner(
                device: device, settings: settings[device.fleetIndex],
                generator: SeededGenerator(seed: 1, stream: UInt64(device.index)), host: self)
        }
    }

    private static func issue(
        _ device: SimulatedDevice, _ authority: CertificateAuthority
    ) throws -> DeviceCredential {
        let issued = try authority.issue(CertificateTemplate(subject: [("CN", device.name)], purpose: .client))
        return DeviceCredential(chainPEM: issued.chainPEM, privateKeyPEM: issued.privateKeyPEM)
    }

    // MARK: What tests do

    func start() { for runner in runners { runner.start(intended: .now()) } }
    func start(fleet: String) {
        for runner in runners where runner.device.fleet == fleet { runner.start(intended: .now()) }
    }
    func stop() { for runner in runners { runner.stop() } }
    func cut() { for runner in runners { runner.cut() } }

    func setLink(up: Bool) {
        isLinkUp = up
        for runner in runners { up ? runner.linkRestored() : runner.linkLost() }
    }

    /// Succeeds as soon as the condition holds.
    func when(_ condition: @escaping (LoneHost) -> Bool) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        waiters.append((condition, promise))
        look()
        return promise.futureResult
    }

    func history(_ fleet: String) -> DeviceHistory {
        runners.first { $0.device.fleet == fleet }?.session.history ?? DeviceHistory()
    }

    var isAllFinished: Bool { finished.count == runners.count }
    var isAllConnected: Bool { runners.allSatisfy { $0.session.isConnected } }

    func isConnected(fleet: String) -> Bool {
        runners.allSatisfy { $0.device.fleet != fleet || $0.session.isConnected }
    }

    func latencies(_ kind: LatencyKind) -> [TimeAmount] {
        observations.compactMap { if case .latency(kind, let time) = $0 { time } else { nil } }
    }

    func count(_ observation: Observation) -> Int { observations.count { $0 == observation } }

    /// On the next turn, so that no waiter runs amid a device's actions.
    private func look() {
        eventLoop.assumeIsolated().execute { [self] in
            let ready = waiters.filter { $0.condition(self) }
            waiters.removeAll { $0.condition(self) }
            for waiter in ready { waiter.promise.succeed() }
        }
    }

    // MARK: DeviceHost

    func record(_ observation: Observation, of device: SimulatedDevice, now: NIODeadline) {
        observations.append(observation)
        look()
    }

    func connectedChanged(_ runner: DeviceRunner, isConnected: Bool) { look() }

    func openConnection(for runner: DeviceRunner) {
        do {
            let context = try tls.context(
                for: credentials[runner.device.index], deviceClass: runner.settings.deviceClass,
                keepsSessions: runner.settings.keepsSessions)
            runner.connect(with: context, to: target, serverName: "localhost", from: nil)
        } catch {
            runner.connectionFailed(FailureCode.of(error))
        }
    }

    func attemptDecided(_ runner: DeviceRunner) { look() }

    func finished(_ runner: DeviceRunner) {
        finished.insert(runner.device.index)
        look()
    }

    func payload(bytes: Int) -> ByteBuffer { ByteBuffer(repeating: 0x61, count: bytes) }

    func peer(fleet: String, place: Int) -> SimulatedDevice? {
        devices.first { $0.fleet == fleet && $0.number == place + 1 }
    }

    func count(fleet: String) -> Int { devices.count { $0.fleet == fleet } }

    func renewCredential(of runner: DeviceRunner, _ body: @escaping (Bool) -> Void) {
        guard let credential = try? Self.issue(runner.device, authority) else { return body(false) }
        credentials[runner.device.index] = credential
        renewals += 1
        body(true)
    }

    func isLinkUp(for device: SimulatedDevice) -> Bool { isLinkUp }
}
