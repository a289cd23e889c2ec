internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// One device's connection, from its accept to its end: a value that is told what happened and says what to do.
///
/// Nothing in it knows a channel, a clock or a metric; `DeviceSession` runs the actions. What happens is in the
/// extensions: CONNECT, the answers to what it asks for, the broker, a new grant, the end.
struct SessionStateMachine {
    /// What to do, in the order given.
    enum Action {
        /// Start the clock for the next step of the peer named; it replaces a running one.
        case armDeadline(Deadline)
        case cancelDeadline
        /// Ask the admission authority.
        case askAuthority(AdmissionQuestion)
        /// Ask for a place among the device's connections. Always the last of its actions: the answer may come at once.
        case claimPlace(ConnectionClaim)
        /// Connect to the broker of this name; nil: the default one.
        case dial(upstream: String?)
        case sendToDevice(ByteBuffer)
        case sendToBroker(ByteBuffer)
        /// From here on packets are of this version; the device's may have this many bytes.
        case settleFraming(MQTTProtocolVersion, devicePacketBytesMax: Int)
        /// Something was refused or taken away by the profile, for this reason.
        case countDenial(String)
        /// The session is carried from here on.
        case announceEstablished
        /// Close both sides, after what was sent to them has been written; report why.
        case end(SessionEnd)
    }

    /// What is waited for.
    enum Deadline: Hashable, CaseIterable {
        /// The device's CONNECT: `GatewayLimits.connectTimeout`.
        case connect
        /// What the gateway itself has to find out about it: `GatewayLimits.admissionTimeout`.
        case admission
        /// The broker's CONNACK: `GatewayLimits.upstreamConnackTimeout`.
        case connack
    }

    /// Indirect, because what CONNECT asked for is only kept until it is answered, and the session much longer.
    indirect enum State {
        /// The TLS handshake is not finished; no packet can arrive.
        ///
        /// Can transition to: `awaitingConnect`, `ended`.
        case handshaking

        /// The device has a grant and has not sent CONNECT.
        ///
        /// Can transition to: `admitting`, `claiming`, `ended`.
        case awaitingConnect(DeviceGrant)

        /// CONNECT is in order; the authority is asked about a registration, a password or revocation. The device is not
        /// read.
        ///
        /// Can transition to: `claiming`, `ended`.
        case admitting(ConnectAdmission, DeviceGrant)

        /// The device may come in; its other connections are looked at. The device is not read.
        ///
        /// Can transition to: `dialling`, `ended`.
        case claiming(ConnectAdmission, DeviceGrant)

        /// CONNECT was accepted; the broker is being connected to. The device is not read.
        ///
        /// Can transition to: `awaitingConnack`, `ended`.
        case dialling(ConnectAdmission, DeviceGrant)

        /// CONNECT went to the broker. The device is not read.
        ///
        /// Can transition to: `established`, `ended`.
        case awaitingConnack(ConnectAdmission, DeviceGrant)

        /// The broker accepted the session; packets are carried both ways, by `carried`.
        ///
        /// Can transition to: `ended`.
        case established

        /// Nothing is carried any more. Final.
        case ended
    }

    /// What a packet leads to.
    enum PacketAction {
        case carried(CarriedSession.Outcome)
        case lifecycle([Action])
    }

    /// What the gateway authenticates itself with at each broker.
    struct Upstreams {
        var standard: ConnectAdmission.UpstreamCredentials
        var named: [String: ConnectAdmission.UpstreamCredentials] = [:]

        /// Nil: there is no upstream of that name.
        func credentials(of name: String?) -> ConnectAdmission.UpstreamCredentials? {
            guard let name else { return self.standard }
            return self.named[name]
        }
    }

    var state: State = .handshaking
    /// There exactly while the state is `established`. Beside the state, so that each packet changes it in place: taking
    /// it out of the state and putting it back costs more than most packets.
    var carried: CarriedSession?
    /// Whether an OCSP responder has to be asked about the device's certificate when CONNECT comes.
    var revocationRule = TrustAnchorRules.OCSPRule.off
    let limits: GatewayLimits
    let upstreams: Upstreams

    init(limits: GatewayLimits, upstreams: Upstreams) {
        self.limits = limits
        self.upstreams = upstreams
    }

    /// Whether the device must not be read: what it sends now could only be held.
    var holdsDevice: Bool {
        switch self.state {
        case .admitting, .claiming, .dialling, .awaitingConnack: true
        case .handshaking, .awaitingConnect, .established, .ended: false
        }
    }

    /// What the device may do, once that is known and while it lasts.
    var grant: DeviceGrant? {
        switch self.state {
        case .awaitingConnect(let grant), .admitting(_, let grant), .claiming(_, let grant), .dialling(_, let grant),
            .awaitingConnack(_, let grant):
            grant
        case .established: self.carried?.grant
        case .handshaking, .ended: nil
        }
    }

    /// Whether packets are carried.
    var isEstablished: Bool {
        switch self.state {
        case .established: true
        case .handshaking, .awaitingConnect, .admitting, .claiming, .dialling, .awaitingConnack, .ended: false
        }
    }

    /// Whether the handshake is over and CONNECT has not come.
    var awaitsConnect: Bool {
        switch self.state {
        case .awaitingConnect: true
        case .handshaking, .admitting, .claiming, .dialling, .awaitingConnack, .established, .ended: false
        }
    }

    /// Whether all that the registry had to be asked has been answered.
    var isAdmitted: Bool {
        switch self.state {
        case .claiming, .dialling, .awaitingConnack, .established: true
        case .handshaking, .awaitingConnect, .admitting, .ended: false
        }
    }

    /// The handshake is finished and the certificate has this grant.
    mutating func authenticated(_ grant: DeviceGrant) -> [Action] {
        switch self.state {
        case .handshaking:
            self.state = .awaitingConnect(grant)
            return [.armDeadline(.connect)]
        case .ended:
            return []
        case .awaitingConnect, .admitting, .claiming, .dialling, .awaitingConnack, .established:
            return self.end(Self.outOfTurn("a handshake was reported twice"))
        }
    }

    /// The time for what was waited for is over. Late alarms are ignored.
    mutating func deadlinePassed(_ deadline: Deadline) -> [Action] {
        guard deadline == self.waitsFor else { return [] }
        return switch deadline {
        case .connect:
            self.end(SessionEnd(.connectTimeout, .device, answer: nil, "no complete CONNECT in time"))
        case .admission:
            self.end(
                SessionEnd(
                    .admissionTimeout, .gateway, answer: .serverUnavailable,
                    "registry, OCSP responder and other connections of the device gave no answer in time"
                )
            )
        case .connack:
            self.end(
                SessionEnd(
                    .upstreamTimeout, .upstream, answer: .serverUnavailable, "the broker did not answer CONNECT in time"
                )
            )
        }
    }

    private var waitsFor: Deadline? {
        switch self.state {
        case .awaitingConnect: .connect
        case .admitting, .claiming: .admission
        case .awaitingConnack: .connack
        case .handshaking, .dialling, .established, .ended: nil
        }
    }

    /// A defect of the gateway's own: something was reported that cannot have happened.
    static func outOfTurn(_ detail: String) -> SessionEnd {
        SessionEnd(.internalError, .gateway, answer: .unspecifiedError, detail)
    }

    static let encodingFailed = Self.outOfTurn("a rewritten packet does not encode")

    static func encoded(_ packet: MQTTPacket, version: MQTTProtocolVersion) -> ByteBuffer? {
        var buffer = ByteBuffer()
        do {
            try packet.encode(into: &buffer, version: version)
            return buffer
        } catch {
            return nil
        }
    }
}
