import ArgumentParser
import Foundation
import MQTTCodec
import NIOCore

/// Where to connect and how.
struct TargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server, HOST:PORT or [IPV6]:PORT; without a port 8883.", valueName: "host:port"))
    var target: String

    @Option(
        help: ArgumentHelp(
            "The name the server's certificate must be for, also sent as SNI. Default: the target's host.",
            valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("TLS version: 1.2, 1.3, or newest for the best both ends have.", valueName: "version"))
    var tls: String = RunPlan.TLSVersionChoice.newest.rawValue

    @Option(help: ArgumentHelp("MQTT version: 3.1.1 or 5. Default: the scenario's, or 3.1.1.", valueName: "version"))
    var mqtt: String?

    @Option(
        help: ArgumentHelp(
            "Local addresses to spread connections over, such as 127.0.0.2-127.0.0.9 or a comma-separated list. One "
                + "address has some 28,000 ports towards one server. Default: one, and for more than 25,000 connections "
                + "to a loopback address as many of 127.0.0.2 and so on as it takes.", valueName: "list"))
    var sourceAddresses: String?

    func endpoint() throws(SimulatorError) -> RunPlan.Target {
        try RunPlan.Target(option: target, serverName: serverName)
    }

    func tlsChoice() throws(SimulatorError) -> RunPlan.TLSVersionChoice {
        guard let choice = RunPlan.TLSVersionChoice(rawValue: tls) else {
            throw .options("bad-tls", "--tls must be 1.2, 1.3 or newest")
        }
        guard DeviceTLS.supports(choice) else {
            throw .options("tls-1.3-unavailable", "--tls 1.3: this build's mbedTLS cannot do TLS 1.3 safely")
        }
        return choice
    }

    /// Nil: not given.
    func mqttVersion() throws(SimulatorError) -> MQTTProtocolVersion? {
        guard let mqtt else { return nil }
        let versions: [String: MQTTProtocolVersion] = ["3.1.1": .v3_1_1, "5": .v5, "5.0": .v5]
        guard let version = versions[mqtt] else {
            throw .options("bad-mqtt", "--mqtt must be 3.1.1 or 5")
        }
        return version
    }

    /// Nil: not given.
    func sources() throws(SimulatorError) -> SourceAddresses? {
        guard let sourceAddresses else { return nil }
        return try SourceAddresses(option: sourceAddresses)
    }
}

/// Who the devices are.
struct FleetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Number of devices (for each fleet that does not give its own count).", valueName: "n"))
    var devices: Int = 100

    @Option(
        help: ArgumentHelp(
            "Subject of the devices' certificates, most significant attribute first.",
            discussion: """
                Templates hold {n} for the device's number from 1, with arithmetic and padding ({n:06}, {n%10}, \
                {n/100:02}, {n+5000}), and {fleet}. Client ids know {device} (the CN) and the subject's attributes \
                ({O}, {OU}, …) too, topics also {client}. Example: 'O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06}'.
                """, valueName: "template"))
    var subject: String = FleetSpecification.defaultSubject

    @Option(help: ArgumentHelp("MQTT client id.", valueName: "template"))
    var clientID: String = FleetSpecification.defaultClientID

    @Option(help: ArgumentHelp("Topic that a device publishes to.", valueName: "template"))
    var topic: String = FleetSpecification.defaultTopic

    @Option(
        help: ArgumentHelp(
            "A fleet of its own; may be given several times.",
            discussion: """
                KEY=VALUE pairs separated by ';'. Keys: name (needed), count, subject, san (repeatable; dns:…, uri:…, \
                email:…), client-id, topic, qos, period, payload-bytes. What is not given is taken from the options of \
                the same name. Example: 'name=meters;count=120;subject=O=Elbe Netz,CN=meter-{n:06};topic=m/{device}'.
                """, valueName: "spec"))
    var fleet: [String] = []

    @Option(
        help: ArgumentHelp(
            "Class of the devices: how long their cryptography takes, their link, what their TLS can do. "
                + "'firmware-sim classes' lists them; native is this machine as it is.", valueName: "name"))
    var deviceClass: String = DeviceClass.native.name

    func specifications(publishing: FleetSpecification.Publishing) throws(SimulatorError) -> [FleetSpecification] {
        let defaults = FleetDefaults(
            count: try deviceCount(), subject: subject, topic: topic, clientID: clientID, publishing: publishing)
        guard !fleet.isEmpty else {
            return [try FleetSpecification(name: "device", defaults: defaults)]
        }
        var fleets: [FleetSpecification] = []
        for option in fleet {
            fleets.append(try FleetSpecification(option: option, defaults: defaults))
        }
        return fleets
    }

    func deviceCount() throws(SimulatorError) -> Int {
        guard (1...SimulatorLimits.devicesMax).contains(devices) else {
            throw .options("bad-devices", "--devices must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        return devices
    }

    func knownDeviceClass() throws(SimulatorError) -> DeviceClass {
        guard deviceClass != DeviceClass.native.name else { return .native }
        guard let known = DeviceClassLibrary.deviceClass(named: deviceClass) else {
            throw .options(
                "unknown-device-class",
                "--device-class '\(deviceClass)' is none of the classes that 'firmware-sim classes' lists "
                    + "(\(NearestName.hint(for: deviceClass, among: DeviceClassLibrary.names)))")
        }
        return known
    }
}

/// What the devices do, and when.
struct TrafficOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Connections begun per second; 0: as fast as the server answers, see --concurrency.", valueName: "rate"))
    var rate: Double = 100

    @Option(help: ArgumentHelp("With --rate 0, handshakes under way at once.", valueName: "n"))
    var concurrency: Int = 64

    @Option(
        help: ArgumentHelp("Spacing of connections at a rate: even, or poisson for random ones.", valueName: "kind"))
    var arrivals: String = ConnectSchedule.Arrivals.even.rawValue

    @Option(help: ArgumentHelp("Quality of service of publishes: 0 or 1.", valueName: "qos"))
    var qos: Int = 1

    @Option(help: ArgumentHelp("Time between two publishes of one device; 0: none.", valueName: "time"))
    var period: String = "5s"

    @Option(help: ArgumentHelp("Size of a publish's payload.", valueName: "bytes"))
    var payloadBytes: Int = 64

    @Option(
        help: ArgumentHelp(
            "Length of the run from the first connect. Default: until 10 s after every device was tried; with "
                + "--connect-only until every device was tried once, while with a duration they connect again and again.",
            valueName: "time"))
    var duration: String?

    @Option(
        help: ArgumentHelp(
            "Keep-alive interval, whole seconds; 0: off. Default: as the device class has it, 60 s for native.",
            valueName: "time"))
    var keepAlive: String?

    @Option(help: ArgumentHelp("From the beginning of a connect to CONNACK.", valueName: "time"))
    var connectTimeout: String = "30s"

    @Flag(help: "Disconnect as soon as the server has accepted: measures connects, not traffic.")
    var connectOnly = false

    @Option(
        help: ArgumentHelp(
            "After a failure: none, fixed:TIME, full-jitter or full-jitter:BASE,CAP. Not with --connect-only, where "
                + "a failure is a result.", valueName: "policy"))
    var reconnect: String = BackoffPolicy.standard.text

    func publishing() throws(SimulatorError) -> FleetSpecification.Publishing {
        guard (0...1).contains(qos) else { throw .options("bad-qos", "--qos must be 0 or 1") }
        guard (0...SimulatorLimits.payloadBytesMax).contains(payloadBytes) else {
            throw .options("bad-payload-bytes", "--payload-bytes must be from 0 to \(SimulatorLimits.payloadBytesMax)")
        }
        return FleetSpecification.Publishing(
            period: try DurationText.parse(period, option: "--period", allowingZero: true), payloadBytes: payloadBytes,
            qos: UInt8(qos))
    }

    func pace() throws(SimulatorError) -> ConnectSchedule.Pace {
        guard rate == 0 || (rate >= 0.001 && rate <= SimulatorLimits.ratePerSecondMax) else {
            throw .options("bad-rate", "--rate must be 0, or from 0.001 to \(Int(SimulatorLimits.ratePerSecondMax))")
        }
        guard let arrivals = ConnectSchedule.Arrivals(rawValue: arrivals) else {
            throw .options("bad-arrivals", "--arrivals must be even or poisson")
        }
        guard (1...SimulatorLimits.devicesMax).contains(concurrency) else {
            throw .options("bad-concurrency", "--concurrency must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        return rate == 0 ? .inFlight(limit: concurrency) : .rate(perSecond: rate, arrivals: arrivals)
    }

    func mode() throws(SimulatorError) -> RunPlan.Mode {
        let time: TimeAmount?
        if let duration {
            time = try DurationText.parse(duration, option: "--duration")
        } else {
            time = nil
        }
        return connectOnly ? .connectOnly(duration: time) : .stay(duration: time)
    }

    func connectTimeLimit() throws(SimulatorError) -> TimeAmount {
        try DurationText.parse(connectTimeout, option: "--connect-timeout")
    }

    func backoff() throws(SimulatorError) -> BackoffPolicy {
        try BackoffPolicy(option: reconnect)
    }

    /// Nil: as the class has it.
    func keepAliveTime() throws(SimulatorError) -> TimeAmount? {
        guard let keepAlive else { return nil }
        let time = try DurationText.parse(keepAlive, option: "--keep-alive", allowingZero: true)
        guard time.nanoseconds % 1_000_000_000 == 0, time <= .seconds(65_535) else {
            throw .options("bad-keep-alive", "--keep-alive must be whole seconds, at most 65535")
        }
        return time
    }
}
