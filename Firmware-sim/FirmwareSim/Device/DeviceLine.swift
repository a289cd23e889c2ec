import MQTTCodec

/// The connection a device has, of either kind.
enum DeviceLine {
    case mqtt(DeviceConnection)
    case misdeed(MisdeedConnection)

    /// - Throws: ``MQTTEncodingError`` if the packet cannot be written.
    func send(_ packet: MQTTPacket) throws(MQTTEncodingError) {
        switch self {
        case .mqtt(let connection): try connection.send(packet)
        case .misdeed: break
        }
    }

    /// Bytes that are no TLS.
    func send(_ bytes: [UInt8]) {
        switch self {
        case .mqtt: break
        case .misdeed(let connection): connection.send(bytes)
        }
    }

    /// Ends the connection after what was sent, with close_notify.
    func close() {
        switch self {
        case .mqtt(let connection): connection.close()
        case .misdeed(let connection): connection.abandon()
        }
    }

    /// Ends the connection at once and tells the device nothing more.
    func abandon() {
        switch self {
        case .mqtt(let connection): connection.abandon()
        case .misdeed(let connection): connection.abandon()
        }
    }

    func isSame(as connection: AnyObject) -> Bool {
        switch self {
        case .mqtt(let own): own === connection
        case .misdeed(let own): own === connection
        }
    }
}
