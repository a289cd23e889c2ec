extension DeviceKey: Codable {
    /// One text, `<tenant>/<device>`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = DeviceKey(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a device: <tenant>/<device>, without + # / and controls")
        }
        self = key
    }
}

extension DeviceState: Codable {}

extension CertificatePin: Codable {
    /// One text, `certificate:HEX` or `public-key:HEX`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let pin = CertificatePin(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a pin: certificate:HEX or public-key:HEX, 64 digits")
        }
        self = pin
    }
}

extension DeviceOverrides: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) { nil }
    }

    /// An object with the raw values of ``Limit`` as keys; limits that are not overridden are absent.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for limit in Limit.allCases {
            guard let value = self[limit] else { continue }
            try container.encode(value, forKey: Key(stringValue: limit.rawValue))
        }
    }

    /// Unknown keys and values outside of a limit's range are refused.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init()
        for key in container.allKeys {
            guard let limit = Limit(rawValue: key.stringValue) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "`\(key.stringValue)` is no limit")
            }
            let value = try container.decode(Int.self, forKey: key)
            guard limit.range.contains(value) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container,
                    debugDescription: "`\(limit.rawValue)` takes \(limit.range.lowerBound) to \(limit.range.upperBound)"
                )
            }
            self[limit] = value
        }
    }
}
