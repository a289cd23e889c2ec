internal import CoreMetrics
internal import FleetPolicy
internal import Metrics
internal import NIOCore

/// Every metric of the gateway with its help text, for the exposition.
public enum GatewayMetricDescriptions {
    /// In the order of a connection.
    public static let all: [(name: String, help: String)] = [
        ("fleetgate_connections_refused_total", "Connections refused before their handshake, by reason."),
        ("fleetgate_handshakes_waiting", "Turns of TLS handshakes that wait for processor time now."),
        ("fleetgate_handshakes_total", "TLS handshakes finished, by outcome and reason."),
        ("fleetgate_resumptions_total", "TLS sessions that devices offered to resume, by outcome and reason."),
        ("fleetgate_admission_seconds", "From a question about registration, password or revocation to its answer."),
        ("fleetgate_admissions_total", "Questions about registration, password or revocation answered, by outcome."),
        ("fleetgate_registrations_total", "Devices that registered by themselves, by outcome."),
        ("fleetgate_registrations_wanted_total", "Refused devices handed to the queue of those to be approved."),
        ("fleetgate_sessions", "Sessions carried now, by profile."),
        ("fleetgate_sessions_quarantined", "Sessions carried now with a quarantine profile, by reason."),
        ("fleetgate_sessions_ended_total", "Connections that ended after their handshake, by reason and fault."),
        ("fleetgate_packets_total", "MQTT packets received, by direction."),
        ("fleetgate_bytes_total", "MQTT bytes received, by direction."),
        ("fleetgate_denials_total", "Requests refused by the profile, by reason."),
        ("fleetgate_events_dropped_total", "Events lost because the log could not keep up."),
        ("fleetgate_handshake_seconds", "From accept to the end of the TLS handshake."),
        ("fleetgate_connect_seconds", "From accept to the CONNACK sent to the device."),
    ]
}

/// The gateway's metrics: names, labels and meanings, in one place. Labels are ours alone (reasons, directions, profile
/// names), never anything a peer chose.
///
/// Confined to one event loop: the metric objects are made on first use and kept, so that counting takes no lock.
final class GatewayMetrics {
    private let devicePackets = Counter(
        label: "fleetgate_packets_total", dimensions: [("direction", "device_to_broker")])
    private let deviceBytes = Counter(label: "fleetgate_bytes_total", dimensions: [("direction", "device_to_broker")])
    private let brokerPackets = Counter(
        label: "fleetgate_packets_total", dimensions: [("direction", "broker_to_device")])
    private let brokerBytes = Counter(label: "fleetgate_bytes_total", dimensions: [("direction", "broker_to_device")])
    private let handshakesWaiting = Meter(label: "fleetgate_handshakes_waiting")
    private let handshakesAccepted = Counter(
        label: "fleetgate_handshakes_total", dimensions: [("outcome", "accepted"), ("reason", "none")]
    )
    private let sessionsResumed = Counter(
        label: "fleetgate_resumptions_total", dimensions: [("outcome", "accepted"), ("reason", "none")]
    )
    private let eventsDropped = Counter(label: "fleetgate_events_dropped_total")
    private let handshakeDuration = Timer(label: "fleetgate_handshake_seconds")
    private let connectDuration = Timer(label: "fleetgate_connect_seconds")

    private let admissionDuration = Timer(label: "fleetgate_admission_seconds")
    private let registrationsWanted = Counter(label: "fleetgate_registrations_wanted_total")

    private var admissions: [String: Counter] = [:]
    private var registrations: [String: Counter] = [:]
    private var quarantined: [String: Meter] = [:]
    private var connectionsRefused: [String: Counter] = [:]
    private var handshakesRefused: [String: Counter] = [:]
    private var resumptionsRefused: [String: Counter] = [:]
    private var denials: [String: Counter] = [:]
    private var sessionsEnded: [SessionEndKey: Counter] = [:]
    private var sessions: [String: Meter] = [:]

    private struct SessionEndKey: Hashable {
        let code: String
        let fault: SessionEnd.Fault
    }

    func received(byteCount: Int, from side: Side) {
        switch side {
        case .device: self.deviceBytes.increment(by: byteCount)
        case .broker: self.brokerBytes.increment(by: byteCount)
        }
    }

    func received(packetCount: Int, from side: Side) {
        switch side {
        case .device: self.devicePackets.increment(by: packetCount)
        case .broker: self.brokerPackets.increment(by: packetCount)
        }
    }

    /// One more handshake waits for its turn (+1), or one less (-1).
    func handshakesWaitingChanged(by change: Int) {
        if change > 0 {
            self.handshakesWaiting.increment(by: Double(change))
        } else {
            self.handshakesWaiting.decrement(by: Double(-change))
        }
    }

    func handshakeAccepted(after duration: TimeAmount, isResumed: Bool) {
        self.handshakesAccepted.increment()
        if isResumed { self.sessionsResumed.increment() }
        self.handshakeDuration.recordNanoseconds(duration.nanoseconds)
    }

    func connected(after duration: TimeAmount) {
        self.connectDuration.recordNanoseconds(duration.nanoseconds)
    }

    /// The authority answered one question.
    func admissionAnswered(_ verdict: AdmissionVerdict, isRegistration: Bool, after duration: TimeAmount) {
        let outcome =
            switch verdict {
            case .admitted: "admitted"
            case .refused: "refused"
            case .unavailable: "unavailable"
            }
        self.admissionDuration.recordNanoseconds(duration.nanoseconds)
        Self.counter(&self.admissions, outcome) {
            Counter(label: "fleetgate_admissions_total", dimensions: [("outcome", outcome)])
        }.increment()
        guard isRegistration else { return }
        Self.counter(&self.registrations, outcome) {
            Counter(label: "fleetgate_registrations_total", dimensions: [("outcome", outcome)])
        }.increment()
    }

    func registrationWanted() { self.registrationsWanted.increment() }

    func eventsDropped(_ count: Int) { self.eventsDropped.increment(by: Int64(count)) }

    func connectionRefused(reason: String) {
        Self.counter(&self.connectionsRefused, reason) {
            Counter(label: "fleetgate_connections_refused_total", dimensions: [("reason", reason)])
        }.increment()
    }

    func handshakeRefused(reason: String) {
        Self.counter(&self.handshakesRefused, reason) {
            Counter(
                label: "fleetgate_handshakes_total", dimensions: [("outcome", "refused"), ("reason", reason)]
            )
        }.increment()
    }

    /// A session was not resumed, for this reason; a full handshake follows.
    func resumptionRefused(reason: String) {
        Self.counter(&self.resumptionsRefused, reason) {
            Counter(label: "fleetgate_resumptions_total", dimensions: [("outcome", "refused"), ("reason", reason)])
        }.increment()
    }

    func denied(reason: String) {
        Self.counter(&self.denials, reason) {
            Counter(label: "fleetgate_denials_total", dimensions: [("reason", reason)])
        }.increment()
    }

    func sessionEnded(_ end: SessionEnd) {
        let key = SessionEndKey(code: end.code.rawValue, fault: end.fault)
        Self.counter(&self.sessionsEnded, key) {
            Counter(
                label: "fleetgate_sessions_ended_total",
                dimensions: [("reason", key.code), ("fault", key.fault.rawValue)]
            )
        }.increment()
    }

    /// A session of this profile began (+1) or ended (-1).
    func sessionsChanged(_ device: DeviceDescription, by change: Double) {
        let profile = device.profile
        Self.change(&self.sessions, profile, by: change) {
            Meter(label: "fleetgate_sessions", dimensions: [("profile", profile)])
        }
        guard let reason = device.quarantine?.rawValue else { return }
        Self.change(&self.quarantined, reason, by: change) {
            Meter(label: "fleetgate_sessions_quarantined", dimensions: [("reason", reason)])
        }
    }

    private static func change(
        _ known: inout [String: Meter], _ key: String, by change: Double, make: () -> Meter
    ) {
        let meter: Meter
        if let found = known[key] {
            meter = found
        } else {
            meter = make()
            known[key] = meter
        }
        if change > 0 { meter.increment(by: change) } else { meter.decrement(by: -change) }
    }

    private static func counter<Key: Hashable>(
        _ known: inout [Key: Counter], _ key: Key, make: () -> Counter
    ) -> Counter {
        if let counter = known[key] { return counter }
        let counter = make()
        known[key] = counter
        return counter
    }
}
