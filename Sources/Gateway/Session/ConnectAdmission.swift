internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore

/// A device's CONNECT, judged by its grant and made into the gateway's own CONNECT to the broker.
///
/// The identity upstream is the certificate's: user name and client identifier become `<tenant>/<device>`, whatever the
/// device sent, so that no device can take another's session; its password stays here. Where the profile's client-id
/// rule lets a device have several sessions, each has a name below that one.
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
    /// What the grant says of the session that CONNECT asks for.
    let terms: SessionTerms

    /// The will in the device's own view.
    let will: SessionAgreement.Will?
    /// What differs from the device's wish, to be told to it in CONNACK.
    let assignedClientIdentifier: String?
    let serverKeepAlive: UInt16?
    let sessionExpiryInterval: UInt32?

    /// Judges and rewrites a CONNECT.
    ///
    /// - Parameter given: what the grant says of the session, where a test wants other words than the grant's own.
    /// - Throws: why the device is refused; `SessionEnd.answer` is the CONNACK's code.
    init(
        _ connect: MQTTConnect, grant: DeviceGrant, terms given: SessionTerms? = nil, limits: GatewayLimits,
        credentials: UpstreamCredentials
    ) throws(SessionEnd) {
        let terms = given ?? SessionTerms(grant)
        guard connect.properties.authenticationMethod == nil else {
            throw SessionEnd(
                .enhancedAuthentication, .device, answer: .badAuthenticationMethod,
                "CONNECT names an authentication method; the certificate is the authentication"
            )
        }
        guard terms.clientIDRule.permits(connect.clientIdentifier, for: grant.key) else {
            throw SessionEnd(
                .clientIDDenied, .device, answer: .clientIdentifierNotValid,
                "the client identifier is not what the profile's rule `\(terms.clientIDRule.rawValue)` asks for"
            )
        }
        try Self.judgeWill(of: connect, grant: grant)

        self.version = connect.version
        self.terms = terms
        self.will = connect.will.map { SessionAgreement.Will(topic: $0.topic, qos: $0.qos, retain: $0.retain) }
        let identity = grant.upstreamIdentity
        var upstream = connect
        upstream.will = try Self.prefixed(connect.will, version: connect.version, terms.topicPrefix)
        upstream.clientIdentifier = grant.upstreamClientIdentifier(
            for: connect.clientIdentifier, rule: terms.clientIDRule
        )
        upstream.userName = credentials.userName ?? identity
        upstream.password = credentials.password.map { ByteBuffer(bytes: $0) }
        // The device gave no name and learns the one it has (MQTT-3.2.2-16). Version 3.1.1 has no way to say it.
        self.assignedClientIdentifier =
            connect.version == .v5 && connect.clientIdentifier.isEmpty ? identity : nil
        self.serverKeepAlive = try Self.judgeKeepAlive(&upstream, terms.limits)
        self.sessionExpiryInterval = Self.boundSessionExpiry(&upstream, terms.limits)

        self.devicePacketBytesMax = connect.properties.maximumPacketSize
        self.deviceTopicAliasMax = min(connect.properties.topicAliasMaximum ?? 0, limits.topicAliasMax)
        if connect.version == .v5 {
            // What is too long for the device, or for the gateway, the broker must not even send. The prefix comes off
            // before the device sees the packet.
            let deviceMax = UInt64(connect.properties.maximumPacketSize ?? .max)
            let packetBytesMax = min(
                deviceMax + UInt64(terms.topicPrefix.byteCount), UInt64(clamping: limits.packetBytesMax)
            )
            upstream.properties.set(.maximumPacketSize(UInt32(clamping: packetBytesMax)))
            upstream.properties.set(
                .receiveMaximum(Self.receiveMaximum(connect.properties.receiveMaximum, terms.limits))
            )
            upstream.properties.removeAll(like: .topicAliasMaximum(0))
            if self.deviceTopicAliasMax > 0 {
                upstream.properties.set(.topicAliasMaximum(self.deviceTopicAliasMax))
            }
        }
        self.upstreamConnect = upstream
    }

    /// The lower of what a peer asked for and what the profile allows. Never 0, which the property cannot hold.
    static func receiveMaximum(_ peers: UInt16?, _ limits: DeviceLimits) -> UInt16 {
        max(1, min(peers ?? .max, limits.receiveMaximum))
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

    /// The will as the broker is to publish it: topic and response topic below the prefix.
    private static func prefixed(
        _ will: MQTTWill?, version: MQTTProtocolVersion, _ prefix: TopicPrefix
    ) throws(SessionEnd) -> MQTTWill? {
        guard var will, !prefix.isEmpty else { return will }
        let tooLong = SessionEnd(
            // MQTT 3.1.1 has no return code for a bad topic.
            .willDenied, .device, answer: version == .v5 ? .topicNameInvalid : .notAuthorized,
            "a topic of the will is too long with the profile's topic prefix"
        )
        guard let topic = prefix.added(toName: will.topic) else { throw tooLong }
        will.topic = topic
        if let response = will.properties.responseTopic {
            guard let responseTopic = prefix.added(toName: response) else { throw tooLong }
            will.properties.set(.responseTopic(responseTopic))
        }
        return will
    }

    /// Brings the keep-alive into the profile's range. Only MQTT 5.0 can tell the device (Server Keep Alive); an older
    /// device that believes in another value than the broker would be cut off again and again, so it is refused.
    private static func judgeKeepAlive(
        _ connect: inout MQTTConnect, _ limits: DeviceLimits
    ) throws(SessionEnd) -> UInt16? {
        switch limits.keepAlive.verdict(forSeconds: connect.keepAliveSeconds) {
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
    private static func boundSessionExpiry(_ connect: inout MQTTConnect, _ limits: DeviceLimits) -> UInt32? {
        let secondsMax = limits.sessionExpirySecondsMax
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
