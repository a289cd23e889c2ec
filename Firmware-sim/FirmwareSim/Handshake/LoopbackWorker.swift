import FleetPKI
import NIOCore
import NIOEmbedded
import NIOMbedTLS

/// One thread of a loopback run: a server, some devices, and handshakes between them, one after the other. As on a real
/// server the contexts are made once and used for all connections.
struct LoopbackWorker {
    private static let serverName = "loopback.test"

    private let plan: LoopbackPlan
    private let place: Int
    private let server: TLSContext
    private var devices: [Device]
    private var generator: SeededGenerator
    private let loop = EmbeddedEventLoop()
    private var next = 0

    private struct Device {
        let context: TLSContext
        var session: TLSSession?
    }

    /// Makes the server's certificate and the devices', on the calling thread, to which the worker then belongs.
    ///
    /// - Parameters:
    ///   - place: of the thread among all, from 0.
    ///   - authority: issues both sides' certificates and is both sides' trust anchor, so that a chain is one
    ///     certificate long.
    init(plan: LoopbackPlan, place: Int, authority: CertificateAuthority) throws(SimulatorError) {
        self.plan = plan
        self.place = place
        self.generator = SeededGenerator(seed: plan.seed, stream: UInt64(place))
        do {
            let anchors = Array(try authority.certificatePEM.utf8)
            let identity = try authority.issue(
                CertificateTemplate(
                    subject: [("CN", Self.serverName)], alternativeNames: [.dns(Self.serverName)], purpose: .server))
            let versions = plan.tls.loopbackVersions
            let configuration = TLSConfiguration(
                role: .server, certificateChainPEM: Array(identity.chainPEM.utf8),
                privateKeyPEM: Array(identity.privateKeyPEM.utf8), trustAnchorsPEM: anchors, versions: versions,
                ticketKeys: plan.resumeShare > 0 ? [TLSTicketKey()] : [])
            self.server = try TLSContext(configuration)
            self.devices = []
            for number in 0..<max(1, plan.part(of: plan.devices, loop: place)) {
                let identity = try authority.issue(
                    CertificateTemplate(subject: [("CN", "device-\(place)-\(number)")], purpose: .client))
                let configuration = TLSConfiguration(
                    role: .client, certificateChainPEM: Array(identity.chainPEM.utf8),
                    privateKeyPEM: Array(identity.privateKeyPEM.utf8), trustAnchorsPEM: anchors, versions: versions,
                    keepsSessions: plan.resumeShare > 0)
                devices.append(Device(context: try TLSContext(configuration, sharing: devices.first?.context)))
            }
        } catch let error as PKIError {
            throw .machine(error.code.rawValue, "no certificate could be made: \(error.message)")
        } catch {
            throw .machine("loopback-tls", "TLS cannot be set up: \(error)")
        }
    }

    /// Warms up, measures, and says what came of it. Returns soon after `interruption` says so.
    mutating func run(interruption: () -> Bool) throws(SimulatorError) -> LoopbackTally {
        let warm = NIODeadline.now() + plan.warmUp
        var warmed = 0
        while warmed < devices.count || NIODeadline.now() < warm, !interruption() {
            _ = try handshake()
            warmed += 1
        }
        var tally = LoopbackTally()
        let begun = NIODeadline.now()
        let processorBegun = ProcessClock.threadProcessorNanoseconds()
        while !isOver(tally, begun), !interruption() {
            tally.add(try handshake())
        }
        tally.finish(
            wall: .now() - begun, processorNanoseconds: ProcessClock.threadProcessorNanoseconds() - processorBegun)
        return tally
    }

    private func isOver(_ tally: LoopbackTally, _ begun: NIODeadline) -> Bool {
        switch plan.end {
        case .after(let time): NIODeadline.now() - begun >= time
        case .handshakes(let count): tally.count >= plan.part(of: count, loop: place)
        }
    }

    /// The devices take turns.
    private mutating func handshake() throws(SimulatorError) -> LoopbackHandshake {
        let index = next
        next = (next + 1) % devices.count
        let resumes = plan.resumeShare > 0 && Double.random(in: 0..<1, using: &generator) < plan.resumeShare
        let handshake = try LoopbackHandshake(
            device: devices[index].context, server: server, serverName: .verified(Self.serverName),
            session: resumes ? devices[index].session : nil, on: loop)
        if let session = handshake.session { devices[index].session = session }
        return handshake
    }
}
