/// Processor time of this process and of the server's over the run.
struct ProcessMeasurement: Sendable {
    struct ServerProcess: Sendable {
        var processID: Int32
        /// Nil: it was not there at the beginning or at the end.
        var processorSeconds: Double?
    }

    private let ownAtStart = ProcessClock.ownProcessorSeconds()
    private let serversAtStart: [(processID: Int32, seconds: Double?)]
    private(set) var ownProcessorSeconds = 0.0
    private(set) var servers: [ServerProcess] = []

    init(serverProcesses: [Int32]) {
        self.serversAtStart = serverProcesses.map { ($0, ProcessClock.processorSeconds(ofProcess: $0)) }
    }

    mutating func finish() {
        ownProcessorSeconds = ProcessClock.ownProcessorSeconds() - ownAtStart
        servers = serversAtStart.map { process in
            let end = ProcessClock.processorSeconds(ofProcess: process.processID)
            let used = process.seconds.flatMap { start in end.map { max(0, $0 - start) } }
            return ServerProcess(processID: process.processID, processorSeconds: used)
        }
    }
}
