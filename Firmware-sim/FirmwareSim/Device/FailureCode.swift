import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// From an error to the stable code it is counted under.
enum FailureCode {
    static func of(_ error: any Error) -> String {
        switch error {
        case let error as TLSError: of(error)
        case let error as TLSConfigurationError: error.problems.first?.code.rawValue ?? "internal-error"
        case let error as MQTTProtocolError: "mqtt-\(error.code)"
        case let error as MQTTEncodingError: "mqtt-\(error.code)"
        case let error as IOError: of(errorNumber: error.errnoCode)
        case let error as NIOConnectionError:
            // Every address of the name was tried; the last failure is what remained.
            error.connectionErrors.last.map { of($0.error) } ?? "tcp-name-unresolved"
        case let error as ChannelError: of(error)
        case is ByteToMessageDecoderError.PayloadTooLargeError: "mqtt-packet-too-large"
        default: "internal-error"
        }
    }

    /// `alert-unknown-ca` and the like.
    static func of(_ alert: TLSAlert) -> String {
        "alert-" + String("\(alert)".map { $0.isLetter || $0.isNumber ? $0 : "-" })
    }

    /// The alert the server sent, under its own name; otherwise what the TLS layer calls it.
    private static func of(_ error: TLSError) -> String {
        if let alert = error.alertReceived, error.code == .peerAlert { return of(alert) }
        // Where the connection just ended, how far it had come is told by the phase.
        switch error.code {
        case .eofDuringHandshake, .truncated, .closed: return "eof"
        case .handshakeTimeout: return "timeout"
        default: return error.code.rawValue
        }
    }

    private static func of(_ error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "timeout"
        case .eof, .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed: "eof"
        default: "internal-error"
        }
    }

    static func of(errorNumber: CInt) -> String {
        switch errorNumber {
        case ECONNREFUSED: "tcp-refused"
        case ECONNRESET, EPIPE: "tcp-reset"
        case ETIMEDOUT: "tcp-timeout"
        case EHOSTUNREACH, ENETUNREACH: "tcp-unreachable"
        case EADDRNOTAVAIL, EADDRINUSE: "tcp-no-port"
        case EMFILE, ENFILE: "too-many-files"
        default: "tcp-error-\(errorNumber)"
        }
    }
}
