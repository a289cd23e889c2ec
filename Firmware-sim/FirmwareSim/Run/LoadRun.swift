import FleetPKI
import Foundation
import NIOCore
import NIOMbedTLS
import NIOPosix

/// One run: brings up the event loops, starts the devices, watches, stops, and makes the report.
struct LoadRun: Sendable {
    let plan: RunPlan
    let devices: [SimulatedDevice]
    let credentials: [DeviceCredential]
    /// The certificates that the server's must lead to, PEM.
    let serverAuthoritiesPEM: String

    /// What an observer sees a few times a second.
    struct Progress: Sendable {
        var counters: RunCounters
        var connectedNow: Int
        var devices: Int
        /// Whether devices leave as soon as they are accepted.
        var isConnectOnly: Bool
        /// Seconds since the first intended start.
        var elapsedSeconds: Double
    }

    /// How often the loops are looked at.
    private static let pollInterval: TimeAmount = .milliseconds(50)
    /// Between the order to start and the first intended start: all loops get the order before it.
    private static let startMargin: TimeAmount = .milliseconds(50)

    /// - Parameters:
    ///   - interruption: Asked a few times a second; true ends the run early, with a report of what was.
    ///   - observe: Called a few times a second while the run goes on.
    /// - Throws: ``SimulatorError`` if the run cannot begin.
    func run(
        interruption: @escaping @Sendable () -> Bool = { false }, observe: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> RunReport {
        try plan.requireConsistency()
        try DescriptorLimit.reserve(devices.count + SimulatorLimits.descriptorsReserved + plan.loops * 4)
        let startedAt = Date()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.loops)
        let threads = NIOThreadPool(numberOfThreads: SimulatorLimits.contextThreads)
        threads.start()
        do {
            let target = try await resolveTarget(on: threads)
            try await requireUsableCredentials(on: threads)
            let loops = try await makeLoops(in: group, target: target, threads: threads)
            let measured = try await drive(loops, interruption: interruption, observe: observe)
            try await shutDown(group, threads)
            return RunReport(
                plan: plan, devices: devices, outcomes: measured.outcomes, epoch: measured.epoch,
                processes: measured.processes, startedAt: startedAt)
        } catch {
            try? await shutDown(group, threads)
            throw error
        }
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
        DeviceTLS(serverAuthoritiesPEM: serverAuthoritiesPEM, version: plan.tls, connectTimeout: plan.connectTimeout)
    }

    /// What is wrong with the first device's context is wrong with all of them: say so once, before the run.
    private func requireUsableCredentials(on threads: NIOThreadPool) async throws {
        guard let first = credentials.first else { return }
        let tls = self.tls
        do {
            try await threads.runIfActive { _ = try tls.context(for: first) }
        } catch let error as TLSConfigurationError {
            throw SimulatorError.file("tls-configuration", "devices cannot speak TLS with these files: \(error)")
        }
    }

    // MARK: Loops

    private typealias BoundLoop = NIOLoopBound<LoopRunner>

    private func makeLoops(
        in group: MultiThreadedEventLoopGroup, target: SocketAddress, threads: NIOThreadPool
    ) async throws -> [BoundLoop] {
        let parts = assignments()
        let plan = self.plan
        let credentials = self.credentials
        let tls = self.tls
        let keepsContexts = plan.mode.repeats && devices.count <= SimulatorLimits.contextsKeptMax
        let lapTime = lapTime
        var loops: [BoundLoop] = []
        for (index, part) in parts.enumerated() {
            let eventLoop = group.next()
            let inFlightMax = inFlightShare(ofLoop: index, of: parts.count)
            loops.append(
                try await eventLoop.submit {
                    let contexts = ContextSupply(eventLoop: eventLoop, threads: threads, keepsContexts: keepsContexts) {
                        try tls.context(for: credentials[$0])
                    }
                    let runner = LoopRunner(
                        eventLoop: eventLoop, plan: plan, target: target, assignments: part, inFlightMax: inFlightMax,
                        lapTime: lapTime, contexts: contexts)
                    runner.prepare()
                    return NIOLoopBound(runner, eventLoop: eventLoop)
                }.get())
        }
        return loops
    }

    /// Each loop gets every n-th start, so that all are busy all the time.
    private func assignments() -> [[LoopRunner.Assignment]] {
        let order = plan.schedule.startOrder(devices: devices.count)
        let offsets = plan.schedule.offsets(count: devices.count)
        var parts = [[LoopRunner.Assignment]](repeating: [], count: min(plan.loops, max(1, devices.count)))
        for (place, deviceIndex) in order.enumerated() {
            parts[place % parts.count].append(
                LoopRunner.Assignment(device: devices[deviceIndex], offset: offsets?[place]))
        }
        return parts
    }

    private var lapTime: TimeAmount {
        switch plan.schedule.pace {
        case .inFlight: .zero
        case .rate(let perSecond, _): .nanoseconds(Int64(Double(devices.count) * 1e9 / perSecond))
        }
    }

    private func inFlightShare(ofLoop index: Int, of count: Int) -> Int {
        switch plan.schedule.pace {
        case .rate: .max
        case .inFlight(let limit): max(1, limit / count + (index < limit % count ? 1 : 0))
        }
    }

    // MARK: Driving

    private struct Measured {
        var outcomes: [LoopRunner.Outcome]
        var epoch: NIODeadline
        var processes: ProcessMeasurement
    }

    private func drive(
        _ loops: [BoundLoop], interruption: @Sendable () -> Bool, observe: @Sendable (Progress) -> Void
    ) async throws -> Measured {
        var processes = ProcessMeasurement(serverProcesses: plan.serverProcesses)
        let epoch = NIODeadline.now() + Self.startMargin
        for loop in loops {
            loop.eventLoop.execute { loop.value.start(epoch: epoch) }
        }
        var stopAt = plan.mode.duration.map { epoch + $0 }
        var isStopping = false
        while true {
            let snapshots = try await Self.onEach(loops) { $0.snapshot }
            let now = NIODeadline.now()
            observe(progress(snapshots, elapsed: now - epoch))
            if snapshots.allSatisfy(\.isDone) { break }
            if stopAt == nil, !plan.mode.isConnectOnly, snapshots.allSatisfy({ $0.untried == 0 }) {
                stopAt = now + RunPlan.settleTime
            }
            if !isStopping, Task.isCancelled || interruption() || stopAt.map({ $0 <= now }) ?? false {
                isStopping = true
                for loop in loops {
                    loop.eventLoop.execute { loop.value.stop() }
                }
            }
            // On a timer of ours, not `Task.sleep`: a cancelled task must still see the devices take their leave.
            try await pause(on: loops)
        }
        processes.finish()
        return Measured(outcomes: try await Self.onEach(loops) { $0.finish() }, epoch: epoch, processes: processes)
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

    private func progress(_ snapshots: [LoopRunner.Snapshot], elapsed: TimeAmount) -> Progress {
        var counters = RunCounters()
        for snapshot in snapshots {
            counters.merge(snapshot.counters)
        }
        return Progress(
            counters: counters, connectedNow: snapshots.reduce(0) { $0 + $1.connectedNow }, devices: devices.count,
            isConnectOnly: plan.mode.isConnectOnly, elapsedSeconds: max(0, Double(elapsed.nanoseconds) / 1e9))
    }
}
