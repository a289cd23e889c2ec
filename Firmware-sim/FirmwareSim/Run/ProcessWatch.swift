import NIOCore

/// Processor time and memory of this process and of the target's over the run. Reads files: not for event loops.
struct ProcessWatch: Sendable {
    /// One of the target's processes.
    struct Server: Sendable {
        let processID: Int32
        let processorSecondsAtStart: Double?
        let residentBytesAtStart: UInt64?
        /// Nil: it was not there at the beginning or at the end.
        var processorSeconds: Double?
        var residentBytesMax: UInt64?
        /// When most devices were connected, and hardly anything else was going on.
        var residentBytesAtPeak: UInt64?
        fileprivate var lastProcessorSeconds: Double?
    }

    /// The target's processes together over one interval.
    struct Sample: SampleValue {
        /// Nil: none was there.
        var processorSeconds: Double?
        var wallSeconds: Double
        var residentBytes: UInt64?

        mutating func append(_ next: Sample) {
            if let more = next.processorSeconds { processorSeconds = (processorSeconds ?? 0) + more }
            wallSeconds += next.wallSeconds
            residentBytes = next.residentBytes ?? residentBytes
        }
    }

    private let ownAtStart = ProcessClock.ownProcessorSeconds()
    private let ownResidentAtStart = ProcessClock.ownResidentBytes()
    private var ownResidentAtPeak: UInt64?
    private let devices: Int
    private(set) var connectedPeak = 0
    /// How many were connected when memory was taken for what one device takes; 0 if that was never.
    private var connectedAtLook = 0
    private(set) var ownProcessorSeconds = 0.0
    private(set) var servers: [Server]
    private(set) var samples = SampleSeries<Sample>()
    private var sampledAt: NIODeadline

    /// Takes the state before the run.
    ///
    /// - Parameter devices: Of this process, connected or not.
    init(serverProcesses: [Int32], devices: Int, now: NIODeadline = .now()) {
        self.devices = devices
        sampledAt = now
        servers = serverProcesses.map { processID in
            let seconds = ProcessClock.processorSeconds(ofProcess: processID)
            let resident = ProcessClock.residentBytes(ofProcess: processID)
            return Server(
                processID: processID, processorSecondsAtStart: seconds, residentBytesAtStart: resident,
                residentBytesMax: resident, lastProcessorSeconds: seconds)
        }
    }

    /// The first intended start: the first sample begins now.
    mutating func begin(now: NIODeadline) {
        sampledAt = now
        for index in servers.indices {
            servers[index].lastProcessorSeconds = ProcessClock.processorSeconds(ofProcess: servers[index].processID)
        }
    }

    /// The end of an interval.
    mutating func sample(connected: Int, attempting: Int, now: NIODeadline) {
        look(connected: connected, attempting: attempting)
        guard !servers.isEmpty else { return }
        var used: Double?
        var resident: UInt64?
        for index in servers.indices {
            let seconds = ProcessClock.processorSeconds(ofProcess: servers[index].processID)
            if let seconds, let last = servers[index].lastProcessorSeconds {
                used = (used ?? 0) + max(0, seconds - last)
            }
            servers[index].lastProcessorSeconds = seconds
            if let bytes = ProcessClock.residentBytes(ofProcess: servers[index].processID) {
                resident = (resident ?? 0) &+ bytes
            }
        }
        samples.append(
            Sample(
                processorSeconds: used, wallSeconds: Double((now - sampledAt).nanoseconds) / 1e9,
                residentBytes: resident))
        sampledAt = now
    }

    /// Memory, where about the most are connected yet and hardly any attempt is under way: a handshake takes more than an
    /// idle connection, and would be counted as part of one. The later of two such looks counts: by then what connecting
    /// takes is gone.
    mutating func look(connected: Int, attempting: Int) {
        connectedPeak = max(connectedPeak, connected)
        let isQuiet = Double(attempting) <= Double(connected) * SimulatorLimits.memoryAttemptShareMax
        let isPeak = connected > 0 && isQuiet && isNearPeak(connected)
        if isPeak {
            connectedAtLook = connected
            ownResidentAtPeak = ProcessClock.ownResidentBytes()
        }
        for index in servers.indices {
            guard let bytes = ProcessClock.residentBytes(ofProcess: servers[index].processID) else { continue }
            servers[index].residentBytesMax = max(servers[index].residentBytesMax ?? 0, bytes)
            if isPeak { servers[index].residentBytesAtPeak = bytes }
        }
    }

    mutating func finish() {
        ownProcessorSeconds = ProcessClock.ownProcessorSeconds() - ownAtStart
        for index in servers.indices {
            let end = ProcessClock.processorSeconds(ofProcess: servers[index].processID)
            let start = servers[index].processorSecondsAtStart
            servers[index].processorSeconds = start.flatMap { start in end.map { max(0, $0 - start) } }
        }
    }

    /// Growth of this process for each connected device. Nil where that says nothing: with few of them, or with as many
    /// that are not connected, which take memory too, or if there was never a moment without attempts.
    var ownBytesPerDevice: Double? {
        guard connectedAtLook * 2 > devices else { return nil }
        return perDevice(from: ownResidentAtStart, to: ownResidentAtPeak)
    }

    /// Growth of that server for each connected device. Nil with few of them, or if there was never a moment without
    /// attempts.
    func bytesPerDevice(_ server: Server) -> Double? {
        perDevice(from: server.residentBytesAtStart, to: server.residentBytesAtPeak)
    }

    private func perDevice(from start: UInt64?, to peak: UInt64?) -> Double? {
        guard let start, let peak, connectedAtLook >= SimulatorLimits.devicesForMemoryMin, isNearPeak(connectedAtLook)
        else { return nil }
        return max(0, Double(peak) - Double(start)) / Double(connectedAtLook)
    }

    private func isNearPeak(_ connected: Int) -> Bool {
        Double(connected) >= Double(connectedPeak) * SimulatorLimits.memoryPeakShareMin
    }
}
