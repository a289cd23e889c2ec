import ArgumentParser
import NIOCore

/// What handshakes are made.
struct HandshakeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Handshakes to resume: never, always, or a share such as 0.8. A device's first is always full.",
            valueName: "share"))
    var resume: String = "never"

    @Option(help: ArgumentHelp("TLS version: 1.2, 1.3, or newest for the best both ends have.", valueName: "version"))
    var tls: String = RunPlan.TLSVersionChoice.newest.rawValue

    @Option(help: ArgumentHelp("How long to measure.", valueName: "time"))
    var duration: String = "10s"

    @Option(
        help: ArgumentHelp(
            "Devices, each with its own key and certificate. Against a server at least as many as handshakes are to "
                + "be under way.", valueName: "n"))
    var devices: Int = 100

    func tlsChoice() throws(SimulatorError) -> RunPlan.TLSVersionChoice {
        guard let choice = RunPlan.TLSVersionChoice(rawValue: tls) else {
            throw .options("bad-tls", "--tls must be 1.2, 1.3 or newest")
        }
        guard DeviceTLS.supports(choice) else {
            throw .options("tls-1.3-unavailable", "--tls 1.3: this build's mbedTLS cannot do TLS 1.3 safely")
        }
        return choice
    }

    func time() throws(SimulatorError) -> TimeAmount {
        try DurationText.parse(duration, option: "--duration")
    }
}

/// Which server, and how hard it is to be pressed. Without `--loopback`.
struct HandshakeServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server, HOST:PORT or [IPV6]:PORT; without a port 8883.", valueName: "host:port"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "The name the server's certificate must be for, also sent as SNI. Default: the target's host.",
            valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("Handshakes begun per second. Default: see --concurrency.", valueName: "rate"))
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "As fast as the server answers, with so many handshakes under way at once. Default: 64.", valueName: "n"))
    var concurrency: Int?

    @Option(help: ArgumentHelp("From the beginning of a connection to the end of its handshake.", valueName: "time"))
    var handshakeTimeout: String = "30s"

    @Option(
        help: ArgumentHelp(
            "Subject of the devices' certificates, most significant attribute first; {n} is the device's number.",
            valueName: "template"))
    var subject: String = FleetSpecification.defaultSubject

    @Option(
        help: ArgumentHelp(
            "Local addresses to spread connections over, such as 127.0.0.2-127.0.0.9 or a comma-separated list.",
            valueName: "list"))
    var sourceAddresses: String?

    private static let concurrencyStandard = 64

    /// The options without a default that were given.
    var given: [String] {
        [
            target.map { _ in "--target" }, serverName.map { _ in "--server-name" }, rate.map { _ in "--rate" },
            concurrency.map { _ in "--concurrency" }, sourceAddresses.map { _ in "--source-addresses" },
        ].compactMap(\.self)
    }

    func specification(devices: Int) throws(SimulatorError) -> FleetSpecification {
        guard (1...SimulatorLimits.devicesMax).contains(devices) else {
            throw .options("bad-devices", "--devices must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        return try FleetSpecification(
            name: "device",
            defaults: FleetDefaults(
                count: devices, subject: subject, topic: FleetSpecification.defaultTopic,
                clientID: FleetSpecification.defaultClientID,
                publishing: .init(period: .zero, payloadBytes: 0, qos: 0)))
    }

    func pace() throws(SimulatorError) -> ConnectSchedule.Pace {
        if let rate {
            guard concurrency == nil else {
                throw .options("two-paces", "--rate and --concurrency are two paces: give one of them")
            }
            guard rate >= 0.001, rate <= SimulatorLimits.ratePerSecondMax else {
                throw .options("bad-rate", "--rate must be from 0.001 to \(Int(SimulatorLimits.ratePerSecondMax))")
            }
            return .rate(perSecond: rate, arrivals: .even)
        }
        let limit = concurrency ?? Self.concurrencyStandard
        guard (1...SimulatorLimits.devicesMax).contains(limit) else {
            throw .options("bad-concurrency", "--concurrency must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        return .inFlight(limit: limit)
    }

    /// Nil: not given.
    func sources() throws(SimulatorError) -> SourceAddresses? {
        guard let sourceAddresses else { return nil }
        return try SourceAddresses(option: sourceAddresses)
    }
}

/// With `--loopback` only.
struct LoopbackOptions: ParsableArguments {
    @Option(help: ArgumentHelp("End after so many handshakes, not after a time.", valueName: "n"))
    var count: Int?

    @Option(help: ArgumentHelp("Time before anything is measured. Default: 1s.", valueName: "time"))
    var warmUp: String?

    /// The options that were given.
    var given: [String] {
        [count.map { _ in "--count" }, warmUp.map { _ in "--warm-up" }].compactMap(\.self)
    }

    /// Nil: not given.
    func handshakeCount() throws(SimulatorError) -> Int? {
        guard let count else { return nil }
        guard (1...SimulatorLimits.loopbackHandshakesMax).contains(count) else {
            throw .options("bad-count", "--count must be from 1 to \(SimulatorLimits.loopbackHandshakesMax)")
        }
        return count
    }

    func warmUpTime() throws(SimulatorError) -> TimeAmount {
        guard let warmUp else { return .seconds(1) }
        return try DurationText.parse(warmUp, option: "--warm-up", allowingZero: true)
    }
}
