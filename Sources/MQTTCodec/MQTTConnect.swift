public import NIOCore

/// The first packet of a connection, from client to server (section 3.1).
public struct MQTTConnect: Sendable, Hashable {
    /// Settles the version of every packet that follows on this connection.
    public var version: MQTTProtocolVersion
    /// May be empty: the server then assigns one. Compare its `utf8`: `==` on strings takes canonically equivalent ones
    /// for the same.
    public var clientIdentifier: String
    /// Clean Start in MQTT 5.0, Clean Session in MQTT 3.1.1.
    public var cleanStart: Bool
    /// Seconds; 0 turns the keep-alive off.
    public var keepAliveSeconds: UInt16
    public var will: MQTTWill?
    public var userName: String?
    /// A secret: no description of this value shows it.
    public var password: ByteBuffer?
    /// Empty under MQTT 3.1.1.
    public var properties: MQTTProperties

    public init(
        version: MQTTProtocolVersion, clientIdentifier: String, cleanStart: Bool = true, keepAliveSeconds: UInt16 = 60,
        will: MQTTWill? = nil, userName: String? = nil, password: ByteBuffer? = nil,
        properties: MQTTProperties = MQTTProperties()
    ) {
        self.version = version
        self.clientIdentifier = clientIdentifier
        self.cleanStart = cleanStart
        self.keepAliveSeconds = keepAliveSeconds
        self.will = will
        self.userName = userName
        self.password = password
        self.properties = properties
    }
}

extension MQTTConnect: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Everything but the password, of which it says only whether there is one.
    public var description: String {
        "connect(\(version), \(clientIdentifier.debugDescription), cleanStart: \(cleanStart), "
            + "keepAliveSeconds: \(keepAliveSeconds), will: \(will?.description ?? "none"), "
            + "userName: \(userName?.debugDescription ?? "none"), password: \(password == nil ? "none" : "present"), "
            + "properties: \(properties))"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["connect": description], displayStyle: .struct) }
}

extension MQTTConnect {
    private struct Flags: OptionSet {
        let rawValue: UInt8

        static let reserved = Flags(rawValue: 0b0000_0001)
        static let cleanStart = Flags(rawValue: 0b0000_0010)
        static let will = Flags(rawValue: 0b0000_0100)
        static let willRetain = Flags(rawValue: 0b0010_0000)
        static let password = Flags(rawValue: 0b0100_0000)
        static let userName = Flags(rawValue: 0b1000_0000)

        var willQoSBits: UInt8 { rawValue >> 3 & 0b11 }
    }

    /// Decodes the body of a CONNECT, which says its version itself.
    init(
        _ reader: inout MQTTBodyReader, limits: MQTTLimits, sender: MQTTSender
    ) throws(MQTTProtocolError) {
        version = try Self.readVersion(&reader)
        let context = MQTTDecodingContext(version: version, limits: limits, sender: sender)
        let flags = Flags(rawValue: try reader.readByte())
        let willQoS = try Self.checkedWillQoS(flags, version: version)
        cleanStart = flags.contains(.cleanStart)
        keepAliveSeconds = try reader.readUInt16()
        properties = try reader.readProperties(.connect, context)
        guard properties.authenticationData == nil || properties.authenticationMethod != nil else {
            throw .violation(.badAuthentication, "section 3.1.2.11.10", "authentication data without a method")
        }
        clientIdentifier = try Self.readClientIdentifier(&reader, limits: limits)
        guard version == .v5 || cleanStart || !clientIdentifier.isEmpty else {
            throw Self.rejected("MQTT-3.1.3-8 (MQTT 3.1.1)", "an empty client identifier with a session to keep")
        }
        if flags.contains(.will) {
            will = try MQTTWill(&reader, qos: willQoS, retain: flags.contains(.willRetain), context)
        }
        if flags.contains(.userName) {
            userName = try reader.readText(
                bytesMax: limits.userNameBytesMax,
                orThrow: .overLimit("the user name is longer than \(limits.userNameBytesMax) bytes"))
        }
        if flags.contains(.password) {
            password = try reader.readData(
                bytesMax: limits.passwordBytesMax,
                orThrow: .overLimit("the password is longer than \(limits.passwordBytesMax) bytes"))
        }
    }

    private static func readVersion(_ reader: inout MQTTBodyReader) throws(MQTTProtocolError) -> MQTTProtocolVersion {
        let nameError = MQTTProtocolError(
            code: .badProtocolName, reasonCode: .unsupportedProtocolVersion, clause: "MQTT-3.1.2-1",
            detail: "the protocol name is not MQTT")
        let name = try reader.readText(bytesMax: 6, orThrow: nameError)
        let level = try reader.readByte()
        // "MQIsdp" with level 3 is MQTT 3.1, the version before the first standard.
        let isMQTT = name.utf8.elementsEqual("MQTT".utf8)
        guard isMQTT || name.utf8.elementsEqual("MQIsdp".utf8) else { throw nameError }
        guard isMQTT, let version = MQTTProtocolVersion(rawValue: level) else {
            throw MQTTProtocolError(
                code: .unsupportedProtocolVersion, reasonCode: .unsupportedProtocolVersion, clause: "MQTT-3.1.2-2",
                detail: "protocol level \(level) is neither 4 (MQTT 3.1.1) nor 5 (MQTT 5.0)")
        }
        return version
    }

    private static func checkedWillQoS(
        _ flags: Flags, version: MQTTProtocolVersion
    ) throws(MQTTProtocolError) -> MQTTQoS {
        guard !flags.contains(.reserved) else {
            throw .malformed(.reservedBits, "MQTT-3.1.2-3", "the reserved bit of the connect flags is set")
        }
        guard let willQoS = MQTTQoS(rawValue: flags.willQoSBits) else {
            throw .malformed(.badQoS, "MQTT-3.1.2-12", "the will's QoS is 3")
        }
        guard flags.contains(.will) || (willQoS == .atMostOnce && !flags.contains(.willRetain)) else {
            throw .malformed(.badConnectFlags, "MQTT-3.1.2-11", "a will's QoS or retain flag without a will")
        }
        guard version == .v5 || flags.contains(.userName) || !flags.contains(.password) else {
            throw .malformed(
                .badConnectFlags, "MQTT-3.1.2-22 (MQTT 3.1.1)", "a password without a user name")
        }
        return willQoS
    }

    private static func readClientIdentifier(
        _ reader: inout MQTTBodyReader, limits: MQTTLimits
    ) throws(MQTTProtocolError) -> String {
        try reader.readText(
            bytesMax: limits.clientIdentifierBytesMax,
            orThrow: rejected(
                "MQTT-3.1.3-5", "the client identifier is longer than \(limits.clientIdentifierBytesMax) bytes"))
    }

    private static func rejected(_ clause: String, _ detail: String) -> MQTTProtocolError {
        MQTTProtocolError(
            code: .clientIdentifierRejected, reasonCode: .clientIdentifierNotValid, clause: clause, detail: detail)
    }

    func add(to size: inout MQTTBodySize) throws(MQTTEncodingError) {
        guard version == .v5 || password == nil || userName != nil else {
            throw MQTTEncodingError(.passwordWithoutUserName, "MQTT 3.1.1 has no password without a user name")
        }
        guard version == .v5 || cleanStart || !clientIdentifier.isEmpty else {
            throw MQTTEncodingError(.emptyClientIdentifier, "MQTT 3.1.1 keeps no session without a client identifier")
        }
        guard properties.authenticationData == nil || properties.authenticationMethod != nil else {
            throw MQTTEncodingError(.badAuthentication, "authentication data without a method")
        }
        size.add(10)  // protocol name, level, flags and keep-alive
        try size.addProperties(properties, .connect, version: version)
        try size.addText(clientIdentifier)
        try will?.add(to: &size, version: version)
        if let userName { try size.addText(userName) }
        if let password { try size.addData(password) }
    }

    func write(to buffer: inout ByteBuffer) {
        var flags: Flags = cleanStart ? .cleanStart : []
        if let will {
            flags.formUnion([.will, Flags(rawValue: will.qos.rawValue << 3)])
            if will.retain { flags.insert(.willRetain) }
        }
        if userName != nil { flags.insert(.userName) }
        if password != nil { flags.insert(.password) }

        buffer.writeMQTTText("MQTT")
        buffer.writeInteger(version.rawValue)
        buffer.writeInteger(flags.rawValue)
        buffer.writeInteger(keepAliveSeconds)
        buffer.writeMQTTProperties(properties, version: version)
        buffer.writeMQTTText(clientIdentifier)
        will?.write(to: &buffer, version: version)
        if let userName { buffer.writeMQTTText(userName) }
        if let password { buffer.writeMQTTData(password) }
    }
}
