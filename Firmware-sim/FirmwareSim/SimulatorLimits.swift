import NIOCore

/// Every bound of the simulator, with its unit and the reason for its size.
enum SimulatorLimits {
    // MARK: What the operator may ask for

    /// Devices in one run. One file descriptor each, and some 100 KiB of TLS state while connected: a million is beyond
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
    /// Bytes of an MQTT packet a server may send us; we subscribe to nothing, so all its packets are small.
    static let serverPacketBytesMax = 65_536
    /// Bytes taken from the socket at once: a server's handshake flight fits, and thousands of idle devices stay small.
    static let receiveBufferBytes = 4_096

    // MARK: The generator

    /// TLS contexts made ahead of their connect, for each event loop: some milliseconds of work at any rate.
    static let contextsAheadMax = 64
    /// TLS contexts kept for the next round when devices connect again and again; beyond it each is made anew.
    static let contextsKeptMax = 4_096
    /// Devices of one event loop told to stop before it looks at its sockets again: some milliseconds of closing.
    static let stopsPerTurn = 16
    /// Threads that make TLS contexts beside the event loops.
    static let contextThreads = 2
    /// File descriptors that are not connections: standard streams, event loops, files.
    static let descriptorsReserved = 64
    /// How often an event loop looks at how late it is.
    static let loopProbeInterval: TimeAmount = .milliseconds(10)
    /// The largest value a latency histogram holds, in microseconds (one hour); larger ones count as this.
    static let latencyMicrosecondsMax: UInt64 = 3_600_000_000

    // MARK: When the generator, not the server, was the limit

    /// Share of an event loop's wall time spent on the processor.
    static let loopBusyShareMax = 0.80
    /// 99th percentile of an event loop's delay, in microseconds.
    static let loopDelayMicrosecondsMax: UInt64 = 50_000
}
