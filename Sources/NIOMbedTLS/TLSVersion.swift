internal import CMbedTLS

/// A version of TLS that this module speaks.
public enum TLSVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// TLS 1.2 (RFC 5246).
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case v1_2
    /// TLS 1.3 (RFC 8446); see ``MbedTLSLibrary/supportsTLS13``.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case v1_3

    /// The highest version that the linked library can be trusted with.
    public static var highestSupported: TLSVersion { MbedTLSLibrary.supportsTLS13 ? .v1_3 : .v1_2 }

    public var description: String {
        switch self {
        case .v1_2: "TLS 1.2"
        case .v1_3: "TLS 1.3"
        }
    }

    /// The number in the protocol.
    var wireValue: Int32 {
        switch self {
        case .v1_2: FLEETGATE_VERSION_TLS12
        case .v1_3: FLEETGATE_VERSION_TLS13
        }
    }

    init?(wireValue: Int32) {
        switch wireValue {
        case FLEETGATE_VERSION_TLS12: self = .v1_2
        case FLEETGATE_VERSION_TLS13: self = .v1_3
        default: return nil
        }
    }
}
