import Foundation
import Gateway
import Logging

/// Fits the number of connections to the file descriptors the process may have.
enum FileDescriptorLimit {
    /// For listeners, the log, the configuration and the like.
    private static let reserved = 200
    /// A session holds two: the device's socket and the broker's.
    private static let perSession = 2

    /// Raises the soft limit to the hard one, and lowers `connections-max` if even that is not enough: a gateway that
    /// runs out of descriptors refuses devices at random.
    static func fit(_ limits: GatewayLimits, logger: Logger) -> GatewayLimits {
        var descriptors = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors) == 0 else { return limits }
        descriptors.rlim_cur = descriptors.rlim_max
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors) == 0,
            let available = Int(exactly: descriptors.rlim_cur)
        else { return limits }
        let sessions = max(1, (available - Self.reserved) / Self.perSession)
        guard sessions < limits.connectionsMax else { return limits }
        logger.log(
            .warning, "limits.connections-max is lowered to what the limit of open files allows",
            fields: [.count: "\(sessions)", .detail: "open files: \(available) (ulimit -n)"])
        var fitted = limits
        fitted.connectionsMax = sessions
        return fitted
    }
}
