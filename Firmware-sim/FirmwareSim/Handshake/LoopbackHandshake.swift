import NIOCore
import NIOEmbedded
import NIOMbedTLS

/// One handshake between a device and a server in memory, from making the connection to letting go of it.
struct LoopbackHandshake {
    var isResumed: Bool
    /// Processor time of the device's side, in nanoseconds: its connection made, shaken hands, closed, freed.
    var clientNanoseconds: Int64
    /// The same of the server's side.
    var serverNanoseconds: Int64
    /// From the making of the connection until both sides are through with the handshake. Tickets and the end of the
    /// connection come after it.
    var latency: TimeAmount
    /// TLS bytes both ways, tickets included, the end of the connection not.
    var bytes: Int
    /// The newest session that the server gave.
    var session: TLSSession?

    /// A real handshake takes four flights; whoever takes more than this is not going to end.
    private static let flightsMax = 64

    /// - Throws: ``SimulatorError`` if the two do not come to terms, which in memory is nobody's fault but ours.
    init(
        device: TLSContext, server serverContext: TLSContext, serverName: TLSServerName, session: TLSSession?,
        on loop: EmbeddedEventLoop
    ) throws(SimulatorError) {
        do {
            let begun = NIODeadline.now()
            let server = try LoopbackEnd(on: loop) { TLSHandler(context: serverContext) { _ in .allowed } }
            let client = try LoopbackEnd(on: loop) {
                TLSHandler(context: device, serverName: serverName, session: session)
            }
            var finished: NIODeadline?
            var bytes = 0
            var flights = 0
            var down = try server.activate()
            var up = try client.activate()
            while up.readableBytes > 0 || down.readableBytes > 0, flights < Self.flightsMax {
                flights += 1
                bytes += up.readableBytes + down.readableBytes
                let toServer = up
                if down.readableBytes > 0 { up = try client.receive(down) } else { up = ByteBuffer() }
                if toServer.readableBytes > 0 { down = try server.receive(toServer) } else { down = ByteBuffer() }
                if finished == nil, client.completed != nil, server.completed != nil { finished = .now() }
            }
            guard let finished, let completed = client.completed, completed.isResumed == server.completed?.isResumed
            else {
                throw Self.failure(client.error ?? server.error)
            }
            self.isResumed = completed.isResumed
            self.latency = finished - begun
            self.bytes = bytes
            self.session = client.session
            try Self.end(client, server)
            self.clientNanoseconds = client.processorNanoseconds
            self.serverNanoseconds = server.processorNanoseconds
        } catch let error as SimulatorError {
            throw error
        } catch {
            throw Self.failure(error)
        }
    }

    /// The device says goodbye, the server answers: nothing is left behind on the event loop.
    private static func end(_ client: LoopbackEnd, _ server: LoopbackEnd) throws {
        let goodbye = try client.close()
        _ = try client.receive(try server.receive(goodbye))
        server.release()
        client.release()
    }

    private static func failure(_ error: (any Error)?) -> SimulatorError {
        let reason = error.map { FailureCode.of($0) } ?? "unfinished"
        return .machine("loopback-failed", "a handshake in memory failed: \(reason)")
    }
}
