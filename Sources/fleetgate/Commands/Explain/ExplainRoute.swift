import AdminAPI
import FleetPolicy
import NIOMbedTLS

/// What `fleetgate explain --device` asks the running gateway.
struct ExplainRequest: Codable, Sendable, Hashable {
    /// The route's name on the admin socket.
    static let route = "explain"

    let device: DeviceKey
    var circumstances = ExplainCircumstances()
    var questions = ExplainQuestions()
}

/// Answers ``ExplainRequest`` in the gateway: from its own snapshot, for the certificate that the device is connected
/// with, or else was last seen with.
struct ExplainRoute: Sendable {
    /// One connection of a device, and what it presented.
    struct LiveSession: Sendable {
        let session: ExplainReport.Session
        /// `PeerCertificate.identity`: a session keeps no more of it.
        let identity: [UInt8]
    }

    /// What is in force now.
    let snapshot: @Sendable () async throws -> PolicySnapshot
    /// The TLS settings that are in force now, by the name of the listener.
    let tls: @Sendable () async throws -> [String: TLSConfiguration]
    let listener: String
    /// The device's connections, the newest first; empty: none.
    let sessions: @Sendable (DeviceKey) async -> [LiveSession]
    /// The DER of the certificate that the device was last seen with; nil: it is not known.
    let lastCertificate: @Sendable (DeviceKey) async throws -> [UInt8]?
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: @Sendable () -> Int64

    /// For the control server.
    var route: ControlRoute {
        ControlRoute(ExplainRequest.route) { request, _ in
            try await answer(try await request.decode(ExplainRequest.self))
        }
    }

    /// - Throws: `ControlFailure` when there is no certificate to explain, or the request is out of bounds.
    func answer(_ request: ExplainRequest) async throws -> ExplainReport {
        guard request.questions.topics.count <= ExplainQuestions.topicsMax,
            request.questions.topics.allSatisfy({ $0.qos <= 2 })
        else {
            throw ControlFailure.badRequest(
                "at most \(ExplainQuestions.topicsMax) topics, each with a QoS of 0, 1 or 2")
        }
        let live = await sessions(request.device)
        // A session that has been established for a while keeps what its certificate says, and not the whole of it.
        let presented = live.first.flatMap { try? PeerCertificate(identity: $0.identity) }
        let last = try await lastCertificate(request.device).flatMap { try? PeerCertificate(parsing: $0) }
        let known = presented.map { $0 == last ? last : $0 } ?? last
        guard let leaf = known else {
            throw ControlFailure(
                code: "no-certificate",
                message: "no certificate of \(request.device) is known: not of a session, nor in the registry")
        }
        let name = request.circumstances.listener ?? listener
        guard let settings = try await tls()[name] else {
            throw ControlFailure.badRequest("there is no listener `\(name)`")
        }
        let engine = ExplainEngine(
            context: try TLSContext(settings), snapshot: try await snapshot(), listener: name, now: now())
        var report = engine.report(leaf, isWhole: false, request.circumstances, request.questions)
        report.sessions = live.map(\.session)
        return report
    }
}
