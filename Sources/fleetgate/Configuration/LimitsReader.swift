import FleetPolicy
import Gateway
import NIOCore

/// Reads the section `limits`: the gateway's bounds on its peers, over the defaults of `GatewayLimits`.
enum LimitsReader {
    static func read(_ reader: inout MappingReader, into limits: inout GatewayLimits) {
        set(&limits.connectionsMax, reader.int("connections-max", in: 1...10_000_000))
        set(&limits.handshakesInFlightMax, reader.int("handshakes-in-flight-max", in: 1...1_000_000))
        set(
            &limits.connectionsPerAddressPerSecond,
            reader.int("connections-per-address-per-second", in: 1...1_000_000).map(Double.init))
        set(
            &limits.connectionsPerAddressBurst,
            reader.int("connections-per-address-burst", in: 1...10_000_000).map(Double.init))
        set(&limits.connectTimeout, time(&reader, "connect-timeout", in: .seconds(1) ... .seconds(300)))
        // MQTT's own bound on a packet is 256 MiB; above 16 MiB one device could fill the gateway's memory.
        set(&limits.packetBytesMax, reader.byteSize("packet-bytes-max", in: 1024...16_777_216))
        set(&limits.outboundBytesHigh, reader.byteSize("outbound-buffer-max", in: 4096...67_108_864))
        set(&limits.shutdownDeadline, time(&reader, "shutdown-deadline", in: .seconds(0) ... .seconds(3600)))
        if limits.handshakesInFlightMax > limits.connectionsMax, reader.keys.contains("handshakes-in-flight-max") {
            reader.mistakes.report(
                .outOfRange, at: reader.location(of: "handshakes-in-flight-max"),
                key: reader.keyPath("handshakes-in-flight-max"),
                "more handshakes (\(limits.handshakesInFlightMax)) than connections (\(limits.connectionsMax))",
                hint: "at most connections-max")
        }
        limits.handshakesInFlightMax = min(limits.handshakesInFlightMax, limits.connectionsMax)
    }

    /// The two times of the section `upstream`, which the gateway keeps among its limits.
    static func readUpstreamTimeouts(_ reader: inout MappingReader, into limits: inout GatewayLimits) {
        let range = Duration.milliseconds(100)...Duration.seconds(300)
        set(&limits.upstreamConnectTimeout, time(&reader, "connect-timeout", in: range))
        set(&limits.upstreamConnackTimeout, time(&reader, "connack-timeout", in: range))
    }

    private static func time(
        _ reader: inout MappingReader, _ key: String, in range: ClosedRange<Duration>
    ) -> TimeAmount? {
        reader.duration(key, in: range).map(TimeAmount.init)
    }

    private static func set<Value>(_ limit: inout Value, _ configured: Value?) {
        if let configured { limit = configured }
    }
}
