import NIOCore
import NIOMbedTLS

/// What a run of device against device, in memory, goes by.
struct LoopbackPlan: Sendable, Equatable {
    var tls: RunPlan.TLSVersionChoice
    /// Of the measured handshakes, how many are to be resumed: 0 to 1.
    var resumeShare: Double
    /// Threads, each with its own server, its own devices and its own event loop in memory.
    var loops: Int
    var end: End
    /// Handshakes made before anything is measured; each device has made at least one by then.
    var warmUp: TimeAmount
    /// Distinct keys and certificates, in all; at least one for each loop is made.
    var devices: Int
    var seed: UInt64

    enum End: Sendable, Equatable {
        /// Of measuring, from the end of the warm-up.
        case after(TimeAmount)
        /// In all, over all loops.
        case handshakes(Int)
    }

    /// How many of `total` the loop with this place, from 0, takes, so that all of them together take all.
    func part(of total: Int, loop: Int) -> Int {
        guard loops > 0 else { return 0 }
        return total / loops + (loop < total % loops ? 1 : 0)
    }
}

extension RunPlan.TLSVersionChoice {
    /// The versions that both sides of a loopback run offer.
    var loopbackVersions: ClosedRange<TLSVersion> {
        switch self {
        case .v12: .v1_2 ... .v1_2
        case .v13: .v1_3 ... .v1_3
        case .newest: .v1_2...TLSVersion.highestSupported
        }
    }
}
