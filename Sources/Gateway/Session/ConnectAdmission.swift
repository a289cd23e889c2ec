internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// A device's CONNECT, judged by its grant and made into the gateway's own CONNECT to the broker.
///
/// The identity upstream is the certificate's: client identifier and user name become `<tenant>/<device>`, whatever the
/// device sent, so that no device can take another's session; its password stays here.
struct ConnectAdmission {
    /// What the broker is told to authenticate the gateway with, next to the identity it carries.
    struct UpstreamCredentials: Sendable, Hashable {
        /// Replaces the identity as user name, for a broker that knows the gateway and not the devices.
        var userName: String?
        var password: [UInt8]?
    }

    let version: MQTTProtocolVersion
    /// The CONNECT to send to the broker.
    let upstreamConnect: MQTTConnect
    /// The longest packet the device takes (MQTT 5.0, section 3.1.2.11.4); `nil` when it did not say.
    let devicePacketBytesMax: UInt32?
    /// Topic aliases the broker may set towards the device.
    let deviceTopicAliasMax: UInt16

    /// What differs from the device's wish, to be told to it in CONNACK.
    private let assignedClientIdentifier: String?
    private let serverKeepAlive: UInt16?
    private let sessionExpiryInterval: UInt32?

    /// Judges and rewrites a CONNECT.
    ///
    /// - Throws: why the device is refused; `SessionEnd.answer` is the CONNACK's code.
    init(
        _ connect: MQTTConnect, grant: DeviceGrant, limits: GatewayLimits, credentials: UpstreamCredentials
    ) throws(SessionEnd) {
        guard connect.properties.authenticationMethod == nil else {
            throw SessionEnd(
                .enhancedAuthentication, .device, answer: .badAuthenticationMethod,
                "CONNECT names an authentication method; the certificate is the authentication"
            )
        }
        try Self.judgeWill(of: connect, grant: grant)

        self.version = connect.version
        let identity = grant.upstreamIdentity
        var upstream = connect
        upstream.clientIdentifier = identity
        upstream.userName = credentials.userName ?? identity
        upstream.password = credentials.password.map { ByteBuffer(bytes: $0) }
        // The device gave no name and learns the one it has (MQTT-3.2.2-16). Version 3.1.1 has no way to say it.
        self.assignedClientIdentifier =
            connect.version == .v5 && connect.clientIdentifier.isEmpty ? identity : nil
        self.serverKeepAlive = try Self.judgeKeepAlive(&upstream, grant: grant)
        self.sessionExpiryInterval = Self.boundSessionExpiry(&upstream, grant: grant)

        self.devicePacketBytesMax = connect.properties.maximumPacketSize
        self.deviceTopicAliasMax = min(connect.properties.topicAliasMaximum ?? 0, limits.topicAliasMax)
        if connect.version == .v5 {
            // What is too long for the device, or for the gateway, the broker must not even send.
            let gatewaysMax = UInt32(clamping: limits.packetBytesMax)
            let packetBytesMax = min(connect.properties.maximumPacketSize ?? .max, gatewaysMax)
            upstream.properties.set(.maximumPacketSize(packetBytesMax))
            upstream.properties.removeAll(like: .topicAliasMaximum(0))
            if self.deviceTopicAliasMax > 0 {
                upstream.properties.set(.topicAliasMaximum(self.deviceTopicAliasMax))
            }
        }
        self.upstreamConnect = upstream
    }

    /// The broker's CONNACK as the device gets it: with the gateway's own limits and decisions in it.
    func connackForDevice(
        _ connack: MQTTConnack, grant: DeviceGrant, limits: GatewayLimits
    ) -> (connack: MQTTConnack, topicAliasMax: UInt16) {
        guard self.version == .v5, !connack.reasonCode.isError else { return (connack, 0) }
        var answer = connack
        if let identifier = self.assignedClientIdentifier {
            answer.properties.set(.assignedClientIdentifier(identifier))
        }
        // The broker's own wish for a keep-alive wins: it is the broker that closes when it is not kept.
        if let keepAlive = self.serverKeepAlive, connack.properties.serverKeepAlive == nil {
            answer.properties.set(.serverKeepAlive(keepAlive))
        }
        if let interval = self.sessionExpiryInterval, connack.properties.sessionExpiryInterval == nil {
            answer.properties.set(.sessionExpiryInterval(interval))
        }
        let packetBytesMax = min(
            connack.properties.maximumPacketSize ?? .max,
            UInt32(clamping: min(limits.packetBytesMax, grant.limits.packetBytesMax))
        )
        answer.properties.set(.maximumPacketSize(packetBytesMax))
        let topicAliasMax = min(connack.properties.topicAliasMaximum ?? 0, limits.topicAliasMax)
        answer.properties.removeAll(like: .topicAliasMaximum(0))
        if topicAliasMax > 0 { answer.properties.set(.topicAliasMaximum(topicAliasMax)) }
        return (answer, topicAliasMax)
    }

    private static func judgeWill(of connect: MQTTConnect, grant: DeviceGrant) throws(SessionEnd) {
        guard let will = connect.will else { return }
        let verdict = grant.permitsWill(topic: will.topic.utf8.span, qos: will.qos.rawValue, retain: will.retain)
        switch verdict {
        case .granted: return
        case .denied(let denial):
            throw SessionEnd(
                .willDenied, .device, answer: .notAuthorized, "the profile permits no such will: \(denial.rawValue)"
            )
        }
    }

    /// Brings the keep-alive into the profile's range. Only MQTT 5.0 can tell the device (Server Keep Alive); an older
    /// device that believes in another value than the broker would be cut off again and again, so it is refused.
    private static func judgeKeepAlive(
        _ connect: inout MQTTConnect, grant: DeviceGrant
    ) throws(SessionEnd) -> UInt16? {
        switch grant.limits.keepAlive.verdict(forSeconds: connect.keepAliveSeconds) {
        case .accepted:
            return nil
        case .outOfRange(let nearestSeconds):
            guard connect.version == .v5 else {
                throw SessionEnd(
                    .keepAliveOutOfRange, .device, answer: .notAuthorized,
                    "a keep-alive of \(connect.keepAliveSeconds) s is outside the profile's range;"
                        + " the nearest is \(nearestSeconds) s"
                )
            }
            connect.keepAliveSeconds = nearestSeconds
            return nearestSeconds
        }
    }

    /// Bounds how long the broker keeps the session. Returns the bound if it differs from the device's wish.
    private static func boundSessionExpiry(_ connect: inout MQTTConnect, grant: DeviceGrant) -> UInt32? {
        let secondsMax = grant.limits.sessionExpirySecondsMax
        switch connect.version {
        case .v3_1_1:
            // A kept session of this version has no end of its own: it is kept, or it is not.
            if secondsMax == 0 { connect.cleanStart = true }
            return nil
        case .v5:
            guard let wished = connect.properties.sessionExpiryInterval, wished > secondsMax else { return nil }
            connect.properties.set(.sessionExpiryInterval(secondsMax))
            return secondsMax
        }
    }
}

extension DeviceGrant {
    /// The name the broker knows the device by, as client identifier and as user name.
    var upstreamIdentity: String { "\(self.tenant)/\(self.deviceID)" }
}
