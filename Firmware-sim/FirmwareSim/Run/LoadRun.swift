import FleetPKI
import Foundation
import NIOCore
import NIOMbedTLS
import NIOPosix

/// One run: brings up the event loops, starts the devices, watches, stops, and makes the report.
struct LoadRun: Sendable {
    let plan: RunPlan
    /// Of the whole run, as ``SimulatedDevice/all(of:)`` has them.
    let devices: [SimulatedDevice]
    /// This process's part of them.
    let ownDevices: [SimulatedDevice]
    /// Of ``ownDevices``, in their order.
    private let credentials: [DeviceCredential]
    /// The certificates that the server's must lead to, PEM.
    private let serverAuthoritiesPEM: String
    private let renew: (@Sendable (SimulatedDevice) throws -> DeviceCredential)?

    /// - Parameters:
    ///   - credentials: Of the devices that belong to this process (``ownDevices(of:in:)``), in their order.
    ///   - renew: Issues a device's next credential, for firmware that rotates it; called on any thread.
    init(
        plan: RunPlan, devices: [SimulatedDevice], credentials: [DeviceCredential], serverAuthoritiesPEM: String,
        renew: (@Sendable (SimulatedDevice) throws -> DeviceCredential)? = nil
    ) {
        self.plan = plan
        self.devices = devices
        self.ownDevices = Self.ownDevices(of: plan, in: devices)
        self.credentials = credentials
        self.serverAuthoritiesPEM = serverAuthoritiesPEM
        self.renew = renew
    }

    /// Those of the run's devices that this process simulates.
    static func ownDevices(of plan: RunPlan, in devices: [SimulatedDevice]) -> [SimulatedDevice] {
        guard let shard = plan.shard else { return devices }
        return devices.filter { shard.has(device: $0.index) }
    }

    /// How often the loops are looked at.
    private static let pollInterval: TimeAmount = .milliseconds(50)
    /// Between the order to start and the first intended start: all loops get the order before it.
    private static let startMargin: TimeAmount = .milliseconds(50)

    /// - Parameters:
    ///   - interruption: Asked a few times a second; true ends the run early, with a report of what was.
    ///   - notice: Told once, before the run, what the operator should know.
    ///   - observe: Called a few times a second while the run goes on.
    /// - Throws: ``SimulatorError`` if the run cannot begin.
    func run(
        interruption: @escaping @Sendable () -> Bool = { false }, notice: @Sendable (String) -> Void = { _ in },
        observe: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> RunReport {
        try plan.requireConsistency()
        try DescriptorLimit.reserve(connections: connectionsAtOnce, loops: plan.loops)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.loops)
        let threads = NIOThreadPool(numberOfThreads: SimulatorLimits.contextThreads)
        threads.start()
        do {
            let target = try await resolveTarget(on: threads)
            let sources = try SourceAddresses.chosen(
                plan.sourceAddresses, for: connectionsAtOnce, ofAll: connectionsAtOnceOfAll, to: target)
            if let text = sources.notice { notice(text) }
            try await requireUsableCredentials(on: threads)
            let watch = ProcessWatch(serverProcesses: plan.serverProcesses, devices: ownDevices.count)
            let outline = plan.outline
            let timetable = StartTimetable(plan: plan, outline: outline, devices: devices)
            let material = RunMaterial(
                plan: plan, outline: outline, devices: devices, target: target, sources: sources.addresses,
                lapTime: timetable.lapTime, renew: renew)
            let loops = try await makeLoops(in: group, material: material, timetable: timetable, threads: threads)
            let measured = try await drive(
                loops, material: material, watch: watch, interruption: interruption, observe: observe)
            try await shutDown(group, threads)
            return RunReport(measured, material: material, ownDevices: ownDevices)
        } catch {
            try? await shutDown(group, threads)
            throw error
        }
    }

    /// Connections that may be open at the same time.
    private var connectionsAtOnce: Int {
        guard plan.mode.isConnectOnly, let limit = plan.ownInFlightMax else { return ownDevices.count }
        return min(limit, ownDevices.count)
    }

    /// The same, of all processes that share the run.
    private var connectionsAtOnceOfAll: Int {
        guard plan.mode.isConnectOnly, case .inFlight(let limit) = plan.pace else { return devices.count }
        return min(limit, devices.count)
    }

    private func shutDown(_ group: MultiThreadedEventLoopGroup, _ threads: NIOThreadPool) async throws {
        try await threads.shutdownGracefully()
        try await group.shutdownGracefully()
    }

    private func resolveTarget(on threads: NIOThreadPool) async throws -> SocketAddress {
        let target = plan.target
        do {
            return try await threads.runIfActive {
                try SocketAddress.makeAddressResolvingHost(target.host, port: target.port)
            }
        } catch {
            throw SimulatorError.options("target-unresolved", "no address is known for \(target.host)")
        }
    }

    private var tls: DeviceTLS {
        DeviceTLS(serverAuthoritiesPEM: serverAuthoritiesPEM, choice: plan.tls, connectTimeout: plan.connectTimeout)
    }

    /// What is wrong with the first device's context is wrong with all of its fleet: say so once, before the run.
    private func requireUsableCredentials(on threads: NIOThreadPool) async throws {
        let tls = self.tls
        for (place, fleet) in plan.fleets.enumerated() {
            guard let index = ownDevices.firstIndex(where: { $0.fleetIndex == place }),
                credentials.indices.contains(index)
            else { continue }
            let credential = credentials[index]
            do {
                try await threads.runIfActive {
                    _ = try tls.context(
                        for: credential, deviceClass: fleet.deviceClass, keepsSessions: false, sharing: nil)
                }
            } catch let error as TLSConfigurationError {
                throw SimulatorError.file(
                    "tls-configuration", "devices of \(fleet.name) cannot speak TLS with these files: \(error)")
            }
        }
    }

    // MARK: Loops

    typealias BoundLoop = NIOLoopBound<LoopRunner>

    private func makeLoops(
        in group: MultiThreadedEventLoopGroup, material: RunMaterial, timetable: StartTimetable, threads: NIOThreadPool
    ) async throws -> [BoundLoop] {
        let keepsContexts = plan.mode.repeats && ownDevices.count <= SimulatorLimits.contextsKeptMax
        let make = contextMaker(material)
        var loops: [BoundLoop] = []
        for (index, part) in timetable.parts.enumerated() {
            let eventLoop = group.next()
            let inFlightMax = inFlightShare(ofLoop: index, of: timetable.parts.count)
            loops.append(
                try await eventLoop.submit {
                    let contexts = ContextSupply(
                        eventLoop: eventLoop, threads: threads, keepsContexts: keepsContexts, make: make)
                    let runner = LoopRunner(
                        eventLoop: eventLoop, material: material, part: part, inFlightMax: inFlightMax,
                        contexts: contexts)
                    runner.prepare()
                    return NIOLoopBound(runner, eventLoop: eventLoop)
                }.get())
        }
        return loops
    }

    private func contextMaker(_ material: RunMaterial) -> ContextSupply.Make {
        let credentials = self.credentials
        let tls = self.tls
        let shards = plan.shardCount
        return { device, renewed, first in
            let fleet = material.plan.fleets[device.fleetIndex]
            // Device i of the run is this process's device i / shards, whichever shard this is.
            let place = device.index / shards
            guard let credential = renewed ?? (credentials.indices.contains(place) ? credentials[place] : nil) else {
                throw SimulatorError.machine("no-credential", "device \(device.index) has no credential")
            }
            return try tls.context(
                for: credential, deviceClass: fleet.deviceClass,
                keepsSessions: material.settings[device.fleetIndex].keepsSessions, sharing: first)
        }
    }

    private func inFlightShare(ofLoop index: Int, of count: Int) -> Int {
        plan.ownInFlightMax.map { max(1, $0 / count + (index < $0 % count ? 1 : 0)) } ?? .max
    }

    // MARK: Driving

    /// What a run leaves behind.
    struct Measured: Sendable {
        var startedAt: Date
        var epoch: NIODeadline
        /// When devices were told to stop, or were done by themselves.
        var end: NIODeadline
        var outcomes: [LoopRunner.Outcome]
        var processes: ProcessWatch
    }

    private func drive(
        _ loops: [BoundLoop], material: RunMaterial, watch: ProcessWatch, interruption: @Sendable () -> Bool,
        observe: @Sendable (Progress) -> Void
    ) async throws -> Measured {
        while try await !Self.onEach(loops, { $0.snapshot.isPrepared }).allSatisfy(\.self), !interruption() {
            try await pause(on: loops)
        }
        var watch = watch
        let startedAt = Date()
        let epoch = NIODeadline.now() + Self.startMargin
        for loop in loops {
            loop.eventLoop.execute { loop.value.start(epoch: epoch) }
        }
        watch.begin(now: epoch)
        var observer = ProgressObserver(material: material, ownDevices: ownDevices.count, epoch: epoch)
        var stopAt = plan.duration.map { epoch + $0 }
        var end: NIODeadline?
        var nextSample = epoch + SimulatorLimits.sampleInterval
        while true {
            let snapshots = try await Self.onEach(loops) { $0.snapshot }
            let now = NIODeadline.now()
            if observer.needsLatencies(at: now) {
                observer.latencies(try await Self.onEach(loops) { $0.statistics.latencies })
            }
            let progress = observer.progress(snapshots, now: now)
            observe(progress)
            let attempting = snapshots.reduce(0) { $0 + $1.attempting }
            while end == nil, nextSample <= now {
                watch.sample(connected: progress.connectedNow, attempting: attempting, now: now)
                nextSample = nextSample + SimulatorLimits.sampleInterval
            }
            if snapshots.allSatisfy(\.isDone) {
                end = end ?? now
                break
            }
            if stopAt == nil, !plan.mode.isConnectOnly, snapshots.allSatisfy({ $0.untried == 0 }) {
                stopAt = now + RunPlan.settleTime
            }
            if end == nil, Task.isCancelled || interruption() || stopAt.map({ $0 <= now }) ?? false {
                end = now
                watch.look(connected: progress.connectedNow, attempting: attempting)
                for loop in loops {
                    loop.eventLoop.execute { loop.value.stop() }
                }
            }
            // On a timer of ours, not `Task.sleep`: a cancelled task must still see the devices take their leave.
            try await pause(on: loops)
        }
        watch.finish()
        return Measured(
            startedAt: startedAt, epoch: epoch, end: end ?? .now(),
            outcomes: try await Self.onEach(loops) { $0.finish() },
            processes: watch)
    }

    private func pause(on loops: [BoundLoop]) async throws {
        try await loops.first?.eventLoop.scheduleTask(in: Self.pollInterval) {}.futureResult.get()
    }

    private static func onEach<T: Sendable>(
        _ loops: [BoundLoop], _ body: @escaping @Sendable (LoopRunner) -> T
    ) async throws -> [T] {
        var results: [T] = []
        for loop in loops {
            results.append(try await loop.eventLoop.submit { body(loop.value) }.get())
        }
        return results
    }
}
