import AdminAPI
import FleetPolicy
import Gateway

/// The gateway's configuration file, read: every value within its range, every path absolute or relative to the
/// current folder, no file opened yet.
struct FleetGateConfiguration: Sendable {
    /// The file it was read from, as the operator named it.
    let file: String
    /// The first listener: what is meant where nobody says which.
    let listener: ListenerSettings
    let furtherListeners: [ListenerSettings]
    let tls: TLSSettings
    let trust: TrustSettings
    let tickets: TicketSettings
    /// Nil: no audit log is kept.
    let audit: AuditSettings?
    /// Nil: neither inventory nor journal is kept.
    let observations: ObservationSettings?
    /// The folder of device profiles.
    let profiles: Located<String>
    /// The file of the device registry.
    let registry: Located<String>
    let upstream: UpstreamSettings
    /// Further brokers, which profiles name.
    let upstreams: [String: UpstreamSettings]
    let limits: GatewayLimits
    let admin: AdminSettings
    let log: LogSettings
    /// Event loops of the data plane; nil: one for each core.
    let eventLoops: Int?

    /// In the order of the file; at least one.
    var listeners: [ListenerSettings] { [listener] + furtherListeners }
}

/// The files that a configuration names. They are read even when the configuration cannot be used as a whole, so that an
/// operator hears of all mistakes at once; what is missing or wrong in the configuration itself is nil here.
struct NamedFiles: Sendable {
    var certificate: Located<String>?
    var key: PrivateKeySettings?
    /// The names of the listeners, as far as they are known.
    var listeners = [ListenerSettings.defaultName]
    /// The trust anchors' bundles and the intermediates.
    var trust: TrustSettings?
    var tickets: TicketSettings?
    /// Complete TLS settings, to be tried with the files' contents.
    var tls: TLSSettings?
    /// The folder of device profiles.
    var profiles: Located<String>?
    var upstream = NamedUpstreamFiles()
    var upstreams: [String: NamedUpstreamFiles] = [:]
}

/// The files that one broker's section names.
struct NamedUpstreamFiles: Sendable {
    /// The embedded broker's program.
    var mosquitto: Located<String>?
    var tls: UpstreamTLSSettings?
    var passwordFile: Located<String>?
}

/// Where devices connect.
struct ListenerSettings: Sendable, Hashable {
    static let defaultPort = 8883
    static let defaultName = "default"

    /// What profiles call it in `match.listener`.
    var name = Self.defaultName
    /// An IP address; `0.0.0.0` and `::` are all of the machine's.
    let address: String
    let port: Int
}

/// The TLS side that devices see.
struct TLSSettings: Sendable {
    let certificate: Located<String>
    let key: PrivateKeySettings
    /// The versions offered, lowest and highest.
    let versions: Located<ClosedRange<ConfiguredTLSVersion>>
    let handshakeTimeout: Duration
    let requiresClientAuthEKU: Bool
}

/// A private key's file, and what it is encrypted with.
struct PrivateKeySettings: Sendable {
    enum Passphrase: Sendable {
        case file(Located<String>)
        /// The name of an environment variable.
        case environment(Located<String>)
    }

    let file: Located<String>
    let passphrase: Passphrase?
}

/// A TLS version as it is written in the configuration.
enum ConfiguredTLSVersion: String, CaseIterable, Sendable, Comparable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The broker behind the gateway.
struct UpstreamSettings: Sendable {
    enum Broker: Sendable, Equatable {
        /// A private mosquitto that the gateway starts; `address` is its socket in the folder `data`.
        case embedded(program: String, data: String, address: UpstreamAddress)
        case external(UpstreamAddress, tls: UpstreamTLSSettings?)

        /// TLS settings only name files; whoever compares what is in force compares what is in those.
        static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.embedded(let program, let data, _), .embedded(let otherProgram, let otherData, _)):
                program == otherProgram && data == otherData
            case (.external(let address, _), .external(let otherAddress, _)): address == otherAddress
            case (.embedded, .external), (.external, .embedded): false
            }
        }
    }

    let broker: Broker
    let userName: String?
    let passwordFile: Located<String>?
}

/// The client side of TLS, for a `tls://` broker.
struct UpstreamTLSSettings: Sendable {
    /// The broker's address: the place of mistakes that have no key of their own.
    let url: Located<String>
    /// The CAs that the broker's certificate must come from; nil: the system's.
    let ca: Located<String>?
    /// The gateway's own certificate and key, when the broker asks for one.
    let certificate: Located<String>?
    let key: PrivateKeySettings?
}

/// The HTTP listener for monitoring, and the local socket for the commands that change something.
struct AdminSettings: Sendable, Hashable {
    /// The listener for monitoring; nil: switched off.
    let address: AdminAddress?
    /// The path of the socket: whoever may open it may change everything.
    let socket: String
}

/// What is logged and how.
struct LogSettings: Sendable, Hashable {
    let level: LogLevel
    let format: LogFormat
}

enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
}

enum LogFormat: String, CaseIterable, Sendable {
    /// Text on a terminal, JSON otherwise.
    case auto
    case text
    case json
}
