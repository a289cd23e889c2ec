import MQTTCodec
import NIOCore
import NIOMbedTLS

/// What kind of machine a device is: how long its cryptography takes, what link it is on, what its TLS stack can do.
///
/// The cryptography itself is real and runs at this machine's speed; a class only adds time, on timers. Classes are data:
/// YAML files under `Firmware-sim/DeviceClasses`, each with the source of its figures.
struct DeviceClass: Sendable, Equatable {
    /// Such as `c2-m4sw-ble`; also the file's name.
    var name: String
    /// The hardware, its TLS library and its link, for people.
    var emulates: String
    /// Where the figures come from; at least one.
    var sources: [String]
    var handshake: HandshakeTime
    /// Nil: the link of this machine, with nothing added.
    var link: LinkModel?
    var tls: TLSAbility
    /// Whole seconds up to 65,535; zero turns it off.
    var keepAlive: TimeAmount
    /// Nil: always awake.
    var sleep: SleepCycle?
    /// Whether it keeps its TLS session and resumes it at the next connect.
    var resumes: Bool

    /// Processor time of the device's own part of a handshake, beyond what this machine takes for it.
    struct HandshakeTime: Sendable, Equatable {
        /// A full handshake with a client certificate, in all.
        var full: TimeAmount
        /// A resumed one, in all.
        var resumed: TimeAmount
        /// How the time is spread over the device's flights: before the ClientHello (a key share of TLS 1.3), between
        /// the server's flight and the device's answer (key agreement, verifying, signing), and after the server's last
        /// flight. They add up to 1.
        var shares: Shares

        struct Shares: Sendable, Equatable {
            var hello: Double
            var answer: Double
            var finish: Double

            /// Three quarters between ServerHelloDone and the flight that answers it.
            static let standard = Shares(hello: 0.15, answer: 0.75, finish: 0.10)
        }

        static let none = HandshakeTime(full: .zero, resumed: .zero, shares: .standard)
    }

    /// What a class's TLS stack offers.
    struct TLSAbility: Sendable, Equatable {
        /// What the class restricts the run's `--tls` to; nil: whatever the run says.
        var versions: ClosedRange<TLSVersion>?
        /// In order of preference; empty: all that mbedTLS has.
        var cipherSuites: [TLSCipherSuite]
        /// max_fragment_length (RFC 6066 section 4); nil: not asked for.
        var maximumFragmentLength: MaximumFragmentLength?
    }

    /// This machine as it is: nothing added, everything offered.
    static let native = DeviceClass(
        name: "native", emulates: "this machine, with nothing added", sources: ["this machine"], handshake: .none,
        link: nil, tls: TLSAbility(versions: nil, cipherSuites: [], maximumFragmentLength: nil),
        keepAlive: .seconds(60), sleep: nil, resumes: false)
}

/// A link between the device and its server. Loss shows as TCP shows it: as delay.
struct LinkModel: Sendable, Equatable {
    /// Round-trip time, drawn anew for each burst from the log-normal distribution with these two percentiles.
    var roundTrip: RoundTrip
    /// Bits per second towards the device.
    var downBitsPerSecond: Double
    /// Bits per second from the device.
    var upBitsPerSecond: Double
    /// Nil: none.
    var spikes: Spikes?

    struct RoundTrip: Sendable, Equatable {
        var p50: TimeAmount
        var p99: TimeAmount
    }

    /// Now and then a burst takes much longer: a loss that TCP repaired, a radio that had to wake up.
    struct Spikes: Sendable, Equatable {
        /// Of a burst in one direction, 0 to 1.
        var probability: Double
        /// Added to that burst.
        var delay: TimeAmount
    }
}

/// Connected for a time, then away for a time, again and again.
struct SleepCycle: Sendable, Equatable {
    /// From CONNACK to DISCONNECT.
    var awake: TimeAmount
    /// From DISCONNECT to the next connect.
    var asleep: TimeAmount
}
