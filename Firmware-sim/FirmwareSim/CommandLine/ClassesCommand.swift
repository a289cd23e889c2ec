import ArgumentParser
import NIOCore
import NIOMbedTLS

/// `firmware-sim classes`.
struct ClassesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classes",
        abstract: "Shows the device classes: what kinds of hardware and links can be simulated.",
        discussion: """
            A class says how long a device's cryptography takes, what link it is on, and what its TLS stack can do. The \
            cryptography itself is real; a class only adds time. A scenario's fleets name their class.

            EXAMPLES
              firmware-sim classes
              firmware-sim classes --json | jq '.[] | select(.resumes)'
              firmware-sim classes show nbiot-m33
            """,
        subcommands: [ClassesListCommand.self, ClassesShowCommand.self],
        defaultSubcommand: ClassesListCommand.self
    )
}

/// `firmware-sim classes list`.
struct ClassesListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the classes.",
        discussion: """
            HANDSHAKE is the device's own processor time in a full and in a resumed handshake; RTT the link's round \
            trip, 50th and 99th percentile; RECORD the largest TLS record it takes (max_fragment_length).

            EXAMPLE
              firmware-sim classes --json | jq -r '.[] | .name + ": " + .emulates'
            """
    )

    @Flag(help: "As JSON; times in milliseconds, rates in bits per second.")
    var json = false

    func run() throws {
        Output.standard(try json ? Listing.json(DeviceClassLibrary.all.map(Entry.init)) : Self.table())
    }

    struct Entry: Codable, Equatable {
        var name: String
        var emulates: String
        var sources: [String]
        var handshakeFullMilliseconds: Double
        var handshakeResumedMilliseconds: Double
        var roundTripP50Milliseconds: Double?
        var roundTripP99Milliseconds: Double?
        var downBitsPerSecond: Double?
        var upBitsPerSecond: Double?
        var spikeProbability: Double?
        var spikeDelayMilliseconds: Double?
        /// Empty: whatever the run offers.
        var tlsVersions: [String]
        /// Empty: all that there are.
        var cipherSuites: [String]
        var maximumFragmentLength: Int?
        var keepAliveSeconds: Double
        var awakeSeconds: Double?
        var asleepSeconds: Double?
        var resumes: Bool

        init(_ deviceClass: DeviceClass) {
            func milliseconds(_ time: TimeAmount) -> Double { Double(time.nanoseconds) / 1e6 }
            let link = deviceClass.link
            name = deviceClass.name
            emulates = deviceClass.emulates
            sources = deviceClass.sources
            handshakeFullMilliseconds = milliseconds(deviceClass.handshake.full)
            handshakeResumedMilliseconds = milliseconds(deviceClass.handshake.resumed)
            roundTripP50Milliseconds = link.map { milliseconds($0.roundTrip.p50) }
            roundTripP99Milliseconds = link.map { milliseconds($0.roundTrip.p99) }
            downBitsPerSecond = link?.downBitsPerSecond
            upBitsPerSecond = link?.upBitsPerSecond
            spikeProbability = link?.spikes?.probability
            spikeDelayMilliseconds = (link?.spikes?.delay).map(milliseconds)
            tlsVersions = [TLSVersion.v1_2, .v1_3].filter { deviceClass.tls.versions?.contains($0) ?? false }.map {
                $0 == .v1_2 ? "1.2" : "1.3"
            }
            cipherSuites = deviceClass.tls.cipherSuites.map(\.name)
            maximumFragmentLength = deviceClass.tls.maximumFragmentLength?.rawValue
            keepAliveSeconds = milliseconds(deviceClass.keepAlive) / 1_000
            awakeSeconds = (deviceClass.sleep?.awake).map { milliseconds($0) / 1_000 }
            asleepSeconds = (deviceClass.sleep?.asleep).map { milliseconds($0) / 1_000 }
            resumes = deviceClass.resumes
        }
    }

    static func table() -> String {
        let rows = DeviceClassLibrary.all.map { deviceClass -> [String] in
            let handshake = deviceClass.handshake
            let link = deviceClass.link
            return [
                deviceClass.name,
                handshake == .none ? "-" : "\(time(handshake.full)) / \(time(handshake.resumed))",
                link.map { "\(time($0.roundTrip.p50)) / \(time($0.roundTrip.p99))" } ?? "-",
                link.map { "\(rate($0.downBitsPerSecond)) / \(rate($0.upBitsPerSecond))" } ?? "-",
                deviceClass.tls.maximumFragmentLength.map { LatencyText.grouped($0.rawValue) } ?? "-",
                deviceClass.resumes ? "yes" : "no",
                deviceClass.sleep == nil ? "no" : "yes",
                deviceClass.emulates,
            ]
        }
        return Listing.table(
            header: ["CLASS", "HANDSHAKE", "RTT", "KBIT/S", "RECORD", "RESUMES", "SLEEPS", "EMULATES"], rows: rows,
            textColumn: 7)
    }

    private static func time(_ amount: TimeAmount) -> String {
        LatencyText.render(microseconds: UInt64(max(0, amount.nanoseconds) / 1_000))
    }

    private static func rate(_ bitsPerSecond: Double) -> String { LatencyText.render(number: bitsPerSecond / 1_000) }
}

/// `firmware-sim classes show`.
struct ClassesShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the file of a class, with the sources of its figures.",
        discussion: """
            EXAMPLE
              firmware-sim classes show c3-m4cc-ble
            """
    )

    @Argument(help: ArgumentHelp("Its name; see 'classes'.", valueName: "name"))
    var name: String

    func validate() throws {
        guard DeviceClassLibrary.deviceClass(named: name) == nil else { return }
        let hint = NearestName.hint(for: name, among: DeviceClassLibrary.names)
        throw ValidationError("there is no device class '\(name)' (\(hint))")
    }

    func run() throws {
        let builtIn = "# Built in: this machine as it is, with no time added and everything offered.\nname: \(name)\n"
        Output.standard(DeviceClassLibrary.text(named: name) ?? builtIn)
    }
}
