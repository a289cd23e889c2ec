import ArgumentParser
import Foundation
import MQTTCodec
import NIOCore

/// Where to connect and as whom.
struct TargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server, HOST:PORT or [IPV6]:PORT; without a port 8883.", valueName: "host:port"))
    var target: String

    @Option(
        help: ArgumentHelp("The CA certificates that the server's certificate must lead to, PEM.", valueName: "file"))
    var ca: String

    @Option(
        help: ArgumentHelp(
            "The CA that issues the devices' certificates, PEM: its own certificate first, then any CAs above it, "
                + "which devices then send along.", valueName: "file"))
    var issuer: String

    @Option(
        help: ArgumentHelp(
            "The issuing CA's private key, PEM. If it is encrypted, the pass phrase is taken from the environment "
                + "variable FIRMWARE_SIM_ISSUER_PASSPHRASE.", valueName: "file"))
    var issuerKey: String

    @Option(
        help: ArgumentHelp(
            "The name the server's certificate must be for, also sent as SNI. Default: the target's host.",
            valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("TLS version: 1.2, 1.3, or newest for the best both ends have.", valueName: "version"))
    var tls: String = RunPlan.TLSVersionChoice.newest.rawValue

    @Option(help: ArgumentHelp("MQTT version: 3.1.1 or 5.", valueName: "version"))
    var mqtt: String = "3.1.1"

    @Option(
        help: ArgumentHelp(
            "Local addresses to spread connections over, such as 127.0.0.2-127.0.0.9 or a comma-separated list. One "
                + "address has some 28,000 ports towards one server.", valueName: "list"))
    var sourceAddresses: String?
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
            "Folder to keep keys and certificates in and to take them from. Private keys lie there unencrypted.",
            valueName: "dir"))
    var cache: String?

    @Option(help: ArgumentHelp("Days that device certificates are valid for.", valueName: "days"))
    var certificateDays: Int = 30

    func specifications(publishing: FleetSpecification.Publishing) throws(SimulatorError) -> [FleetSpecification] {
        guard (1...SimulatorLimits.devicesMax).contains(devices) else {
            throw .options("bad-devices", "--devices must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        guard (8...3_650).contains(certificateDays) else {
            throw .options("bad-certificate-days", "--certificate-days must be from 8 to 3650")
        }
        let defaults = FleetDefaults(
            count: devices, subject: subject, topic: topic, clientID: clientID, publishing: publishing)
        guard !fleet.isEmpty else {
            return [try FleetSpecification(name: "device", defaults: defaults)]
        }
        var fleets: [FleetSpecification] = []
        for option in fleet {
            fleets.append(try FleetSpecification(option: option, defaults: defaults))
        }
        return fleets
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

    @Option(help: ArgumentHelp("Keep-alive interval, whole seconds; 0: off.", valueName: "time"))
    var keepAlive: String = "60s"

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

    func schedule(seed: UInt64) throws(SimulatorError) -> ConnectSchedule {
        guard rate == 0 || (rate >= 0.001 && rate <= SimulatorLimits.ratePerSecondMax) else {
            throw .options("bad-rate", "--rate must be 0, or from 0.001 to \(Int(SimulatorLimits.ratePerSecondMax))")
        }
        guard let arrivals = ConnectSchedule.Arrivals(rawValue: arrivals) else {
            throw .options("bad-arrivals", "--arrivals must be even or poisson")
        }
        guard (1...SimulatorLimits.devicesMax).contains(concurrency) else {
            throw .options("bad-concurrency", "--concurrency must be from 1 to \(SimulatorLimits.devicesMax)")
        }
        let pace: ConnectSchedule.Pace =
            rate == 0 ? .inFlight(limit: concurrency) : .rate(perSecond: rate, arrivals: arrivals)
        return ConnectSchedule(pace: pace, seed: seed)
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

    func keepAliveTime() throws(SimulatorError) -> TimeAmount {
        let time = try DurationText.parse(keepAlive, option: "--keep-alive", allowingZero: true)
        guard time.nanoseconds % 1_000_000_000 == 0, time <= .seconds(65_535) else {
            throw .options("bad-keep-alive", "--keep-alive must be whole seconds, at most 65535")
        }
        return time
    }
}

/// How the tool itself works and what it leaves behind.
struct GeneratorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Event loops, one thread each. Default: one per core.", valueName: "n"))
    var loops: Int?

    @Option(
        help: ArgumentHelp(
            "Seed of everything random but the keys. Default: a random one, named in the report.", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Measure this process's processor time over the run, and print connects per CPU-second; may be repeated.",
            valueName: "pid"))
    var serverPID: [Int32] = []

    @Option(help: ArgumentHelp("Write the report as JSON to a file, or with - to standard output.", valueName: "file"))
    var json: String?

    @Flag(help: "Exit with 0 even if devices did not connect or publishes were not acknowledged.")
    var allowFailures = false

    @Flag(name: .shortAndLong, help: "No progress while the run goes on.")
    var quiet = false
}
