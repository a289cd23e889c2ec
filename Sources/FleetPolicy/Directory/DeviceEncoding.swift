/// How a device is packed into bytes.
///
///     length of all that follows, head, profile number, tenant, device id,
///     count of pins, each pin: kind, 32 bytes, count of attributes, each attribute: name, value,
///     overrides: a byte with a bit for each, their values; password hash
///
/// Texts have their length before them. Numbers are in groups of seven bits, the lowest first, with the high bit set
/// on all but the last. The head has the state in its low two bits, then whether there are overrides and a password
/// hash, and whether the device registered itself. The bytes never leave the process.
enum DeviceEncoding {
    static let hasOverrides: UInt8 = 4
    static let hasPasswordHash: UInt8 = 8
    static let isSelfRegistered: UInt8 = 16
    static let pinBytes = 33

    static func append(_ device: RegisteredDevice, profileNumber: Int, to bytes: inout [UInt8]) {
        var body: [UInt8] = []
        body.reserveCapacity(128)
        var head = stateNumber(device.state)
        if !device.overrides.isEmpty { head |= hasOverrides }
        if device.passwordHash != nil { head |= hasPasswordHash }
        if device.isSelfRegistered { head |= isSelfRegistered }
        body.append(head)
        append(UInt64(profileNumber), to: &body)
        append(device.key.tenant, to: &body)
        append(device.key.deviceID, to: &body)
        append(UInt64(device.pins.count), to: &body)
        for pin in device.pins {
            switch pin.kind {
            case .certificate: body.append(0)
            case .publicKey: body.append(1)
            }
            body.append(contentsOf: pin.sha256)
        }
        append(UInt64(device.attributes.count), to: &body)
        for (name, value) in device.attributes {
            append(name, to: &body)
            append(value, to: &body)
        }
        if head & hasOverrides != 0 { append(device.overrides, to: &body) }
        if let hash = device.passwordHash { append(hash, to: &body) }
        append(UInt64(body.count), to: &bytes)
        bytes.append(contentsOf: body)
    }

    private static func append(_ overrides: DeviceOverrides, to bytes: inout [UInt8]) {
        var present: UInt8 = 0
        for (bit, limit) in DeviceOverrides.Limit.allCases.enumerated() where overrides[limit] != nil {
            present |= 1 << UInt8(bit)
        }
        bytes.append(present)
        for limit in DeviceOverrides.Limit.allCases {
            guard let value = overrides[limit] else { continue }
            append(UInt64(bitPattern: Int64(value)), to: &bytes)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    static func stateNumber(_ state: DeviceState) -> UInt8 {
        switch state {
        case .pending: 0
        case .active: 1
        case .suspended: 2
        case .retired: 3
        }
    }

    static func state(_ head: UInt8) -> DeviceState {
        switch head & 3 {
        case 0: .pending
        case 1: .active
        case 2: .suspended
        case _: .retired
        }
    }

    /// Reads on from a place in packed bytes. They are our own, so their lengths are right.
    struct Reader {
        let bytes: [UInt8]
        var offset: Int

        mutating func byte() -> UInt8 {
            defer { offset += 1 }
            return bytes[offset]
        }

        mutating func number() -> UInt64 {
            var number: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let next = byte()
                number |= UInt64(next & 0x7F) << shift
                if next < 0x80 { return number }
                shift += 7
            }
        }

        mutating func count() -> Int { Int(truncatingIfNeeded: number()) }

        /// The place of a text's bytes; goes on behind it.
        mutating func textRange() -> Range<Int> {
            let length = count()
            defer { offset += length }
            return offset..<offset + length
        }

        mutating func text() -> String { String(decoding: bytes[textRange()], as: UTF8.self) }
    }
}
