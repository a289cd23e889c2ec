import NIOCore

/// Every bound of the simulator, with its unit and the reason for its size.
enum SimulatorLimits {
    // MARK: What the operator may ask for

    /// Devices in one run. One file descriptor each, and some 20 KiB while connected: a million is beyond
    /// what one process can hold, so a larger number is a slip of the finger.
    static let devicesMax = 1_000_000
    /// Fleets in one run: a table of results with more rows is not read by anyone.
    static let fleetsMax = 64
    /// Bytes of a fleet's name: it is a file-name prefix in the credential cache and a column in the report.
    static let fleetNameBytesMax = 40
    /// Bytes of a template as written. X.520 names are at most 64 characters a piece; a topic is rarely above 200.
    static let templateBytesMax = 1_024
    /// Digits a number in a template may be padded to.
    static let templateDigitsMax = 20
    /// Bytes of an attribute's value in a subject: the upper bound of X.520 for a common name.
    static let subjectValueBytesMax = 64
    /// Bytes of a topic or client id: the MQTT string limit (MQTT 5.0 section 1.5.4).
    static let mqttStringBytesMax = 65_535
    /// Bytes of a payload. Larger ones test the link, not the authentication.
    static let payloadBytesMax = 1_048_576
    /// Connections per second: above this the spacing is less than a microsecond, and timers mean nothing.
    static let ratePerSecondMax = 1_000_000.0
    /// Source addresses in one run.
    static let sourceAddressesMax = 4_096
    /// Event loops: more than this is more than any machine's cores.
    static let loopsMax = 256
    /// The longest time an option may name: a week is the longest soak anyone runs.
    static let durationSecondsMax = 7.0 * 24 * 3_600
    /// Bytes of a certificate or key file named by an option: the whole system trust store of Debian is 220 KB.
    static let pemFileBytesMax = 4 * 1_048_576

    // MARK: What a scenario or a device class may say

    /// Bytes of one text: a payload's template is the longest, a sentence of summary the next.
    static let scenarioTextBytesMax = 2_048
    /// Items of a list in a scenario, where no other limit is named: longer ones are not written by hand.
    static let scenarioListMax = 64
    /// What a scenario's times are not scaled below: a timer finer than this is not kept.
    static let scaledTimeMin: TimeAmount = .milliseconds(10)
    /// Stages of a scenario: its report has a row for each.
    static let stagesMax = 64
    /// Subscriptions, or kinds of telemetry, of one firmware: each is a timer or a packet for every device.
    static let firmwareTopicsMax = 16
    /// Bytes of one firmware update to one device: the flash of the devices that are emulated has a few megabytes.
    static let updateBytesMax = 16 * 1_048_576

    // MARK: One device's connection

    /// Unacknowledged QoS 1 publishes of one device; the smallest receive maximum of the brokers in use is 10 (20 in
    /// mosquitto, 32 in EMQX), and a device of this kind sends one at a time.
    static let publishesInFlightMax = 10
    /// Publishes that are due but wait for an acknowledgement; beyond it they are counted as skipped, not remembered.
    static let publishesWaitingMax = 64
    /// How long a device that is told to stop waits for outstanding acknowledgements.
    static let drainTime: TimeAmount = .seconds(5)
    /// How long a closed connection may take to end before it is torn down.
    static let closeTime: TimeAmount = .seconds(5)
    /// Bytes of an MQTT packet a device takes: a command, an answer, a piece of an update. Firmware has no room for
    /// more, and each connection may hold two of them.
    static let serverPacketBytesMax = 65_536
    /// Bytes of a payload that is meant for another device: what fits into such a packet beside its topic, of which
    /// brokers take 1,024 bytes, and its properties.
    static let peerPayloadBytesMax = 61_440
    /// Bytes taken from the socket at once: a server's handshake flight fits, and thousands of idle devices stay small.
    /// Each connection keeps such a buffer once it has read; a flight with two certificates takes one or two reads.
    static let receiveBufferBytes = 2_048
    /// Bytes of one connection encrypted in one turn of the event loop: a fraction of a millisecond, for the others' sake.
    static let sliceBytesMax = 65_536
    /// PUBACKs to a server that does not read them; some hundred KiB of memory.
    static let acknowledgementsHeldMax = 4_096

    /// Commands of one device without an answer; one that commands faster than it is answered skips the rest.
    static let commandsOutstandingMax = 16
    /// Answers that wait for the window; each holds a packet of the server's.
    static let answersWaitingMax = 8
    /// Bytes of a command's identifier: a 64-bit number in decimal.
    static let commandIdentifierBytesMax = 20
    /// Bytes of the topic that a command wants its answer on: what a broker takes (FleetGate: 1,024).
    static let replyTopicBytesMax = 1_024
    /// Parts of an update sent in one go where no acknowledgement paces them; then others get their turn.
    static let updateChunksPerTurn = 16
    /// Between two such goes: a turn of the event loop.
    static let updateChunkPause: TimeAmount = .milliseconds(1)
    /// The least back-off while the link is down: an attempt then costs no round trip, and would be made in a tight
    /// loop by firmware that does not back off.
    static let linkDownDelayMin: TimeAmount = .milliseconds(10)
    /// Bytes of each piece of a handshake that is meant never to end, and the time between two: slow enough to outlast
    /// any handshake timeout in use, fast enough not to look idle.
    static let trickleBytes = 4
    static let trickleInterval: TimeAmount = .seconds(1)
    /// Bytes a misbehaving device reads of what the server says: one alert record.
    static let misdeedAnswerBytesMax = 64
    /// Bytes held by an emulated link in one direction before it stops taking more: some hundred TCP segments.
    static let linkHeldBytesMax = 262_144
    /// The longest delay of an emulated link for one burst.
    static let linkDelayMax: TimeAmount = .seconds(60)
    /// Bytes of a server's first flight looked at: the largest chain mbedTLS takes.
    static let serverFlightBytesMax = 32_768
    /// Different reasons remembered of one device; a device that fails in more ways is counted, not described.
    static let endingsMax = 8

    // MARK: The generator

    /// TLS contexts made ahead of their connect on each event loop, where there is no timetable: some milliseconds of
    /// work at any rate.
    static let contextsAheadMin = 64
    /// The same at most, by a timetable or before a storm: some 5 KiB each.
    static let contextsAheadMax = 4_096
    /// How long before their start contexts are made: 4,096 of them take some seconds on two threads.
    static let contextsAheadTime: TimeAmount = .seconds(5)
    /// TLS contexts kept for the next round when devices connect again and again; beyond it each is made anew.
    static let contextsKeptMax = 4_096
    /// Devices of one event loop that start before it looks at its sockets again: about a millisecond.
    static let startsPerTurn = 32
    /// Devices that are told to stop in one turn: some milliseconds of closing.
    static let stopsPerTurn = 16
    /// Devices that lose or regain power or link in one turn: some milliseconds.
    static let operationsPerTurn = 64
    /// Threads that make TLS contexts beside the event loops.
    static let contextThreads = 2
    /// File descriptors that are not connections: standard streams, event loops, files.
    static let descriptorsReserved = 64
    /// Samples of a run over time: a plot has not more points than this.
    static let samplesMax = 600
    /// Of one sample, at first: a second is what people think in.
    static let sampleInterval: TimeAmount = .seconds(1)
    /// Connected devices from which on memory per device means something beside what one process takes anyway.
    static let devicesForMemoryMin = 500
    /// Of the most that were connected, how many must be when memory per device is taken.
    static let memoryPeakShareMin = 0.95
    /// Of those connected, how many attempts may be under way then: each takes several times what a connection takes.
    static let memoryAttemptShareMax = 0.02
    /// Connections from one local address to one server: Linux has 28,232 ports for them (ip_local_port_range), less
    /// some that others use.
    static let connectionsPerAddressMax = 25_000
    /// Processes that share a run.
    static let shardsMax = 1_024
    /// How often an event loop looks at how late it is.
    static let loopProbeInterval: TimeAmount = .milliseconds(10)
    /// The largest value a latency histogram holds, in microseconds (one hour); larger ones count as this.
    static let latencyMicrosecondsMax: UInt64 = 3_600_000_000

    // MARK: When the generator, not the server, was the limit

    /// Share of an event loop's wall time spent on the processor.
    static let loopBusyShareMax = 0.80
    /// 99th percentile of an event loop's delay, in microseconds.
    static let loopDelayMicrosecondsMax: UInt64 = 50_000
    /// Seconds a stage must last for its busy share and delays to say something: a shorter one is a burst of work.
    static let judgedStageSecondsMin = 0.5

    // MARK: Device against device in memory

    /// Distinct device certificates. Each has a TLS context of its own that stays: some ten thousand are more than any
    /// cache of a processor holds, and that is what they are for.
    static let loopbackDevicesMax = 16_384
    /// Handshakes of one run: days on one core.
    static let loopbackHandshakesMax = 1_000_000_000
}

/// Bounds of reports that are read from files.
extension SimulatorLimits {
    /// Bytes of a report: 600 samples with four full histograms each come to about 20 MB.
    static let reportFileBytesMax = 64 * 1_048_576
    /// Samples of a report; a run writes at most some hundred.
    static let reportSamplesMax = 5_000
    /// Stages of a report: a scenario with more is not read by anyone.
    static let reportStagesMax = 256
    /// Different reasons, shortcomings or assertions of one list.
    static let reportReasonsMax = 1_024
    /// Buckets of a histogram that are not empty; one with three significant digits up to an hour has 22,528.
    static let reportBucketsMax = 24_576
    /// Bytes of a name or a reason.
    static let reportTextBytesMax = 4_096
}
