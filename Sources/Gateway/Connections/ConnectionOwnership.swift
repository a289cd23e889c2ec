internal import FleetPolicy
internal import NIOCore

/// What an owner of connections tells the loop they live on.
protocol ConnectionHost: AnyObject {
    /// The answer to a claim of this connection.
    func placeAnswered(_ answer: ConnectionClaim.Answer, to connection: UInt64)
    /// Another connection of the device takes this one's place.
    func takenOver(_ connection: UInt64)
}

/// One event loop's part in knowing which connections a device has.
///
/// Each device has an owner among the loops, found by its name's hash, that keeps the list of its connections, wherever
/// they live. Loops tell each other by messages, in order; nothing is locked. Confined to its loop.
final class ConnectionOwnership {
    private let index: Int
    private weak var host: (any ConnectionHost)?
    /// Every loop's own, this one's too; none before `join`, when this loop owns every device.
    private var peers: [NIOLoopBound<ConnectionOwnership>] = []
    private var places = ConnectionPlaces()

    /// - Parameter index: the loop's number.
    init(index: Int, host: any ConnectionHost) {
        self.index = index
        self.host = host
    }

    /// Devices that this loop owns and that have a connection.
    var deviceCount: Int { self.places.deviceCount }

    /// From here on devices are shared among these. To be called on every loop before the first claim.
    func join(_ peers: [NIOLoopBound<ConnectionOwnership>]) { self.peers = peers }

    /// Nothing is told to or asked of other loops any more: they are about to stop.
    func leave() { self.peers = [] }

    /// Asks for a place. The host gets the answer, at once where this loop is the owner and nobody has to make room.
    func claim(_ claim: ConnectionClaim, by connection: UInt64) {
        let reference = ConnectionReference(id: connection, loop: self.index)
        self.tell(self.owner(of: claim.key)) { owner in
            owner.run(owner.places.claim(claim, by: reference))
        }
    }

    /// A connection that has claimed a place is over, whether it was answered or not.
    func release(_ connection: UInt64, of key: DeviceKey) {
        let reference = ConnectionReference(id: connection, loop: self.index)
        self.tell(self.owner(of: key)) { owner in
            owner.run(owner.places.release(reference, of: key))
        }
    }

    private func owner(of key: DeviceKey) -> Int {
        guard self.peers.count > 1 else { return self.index }
        return Int(UInt(bitPattern: key.hashValue) % UInt(self.peers.count))
    }

    private func run(_ effects: [ConnectionPlaces.Effect]) {
        for effect in effects {
            switch effect {
            case .answer(let connection, let answer):
                self.tell(connection.loop) { $0.host?.placeAnswered(answer, to: connection.id) }
            case .end(let connection):
                self.tell(connection.loop) { $0.host?.takenOver(connection.id) }
            }
        }
    }

    /// Runs `message` on a loop: at once on this one, else as soon as the other one gets to it. Messages from one loop to
    /// another keep their order, so a release never overtakes its claim.
    private func tell(_ loop: Int, _ message: @escaping @Sendable (ConnectionOwnership) -> Void) {
        guard loop != self.index else { return message(self) }
        // After `leave` nobody is there to be told.
        guard self.peers.indices.contains(loop) else { return }
        let peer = self.peers[loop]
        peer.eventLoop.execute { message(peer.value) }
    }
}

@available(*, unavailable) extension ConnectionOwnership: Sendable {}
