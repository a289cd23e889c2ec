import FleetPolicy

/// What is asked beside who a certificate is: part of a request to the gateway, and of the command line.
struct ExplainQuestions: Codable, Sendable, Hashable {
    /// Topics of one request. A person asks about one; a script about a few.
    static let topicsMax = 64

    struct Topic: Codable, Sendable, Hashable {
        let action: TopicExplanation.Action
        /// A topic name, or a filter to subscribe to; in the device's own view.
        let topic: String
        /// 0 to 2.
        let qos: UInt8
        /// Of a message or a will.
        let retain: Bool
    }

    var topics: [Topic] = []
    /// The client identifier that CONNECT would carry; nil: nobody asks.
    var clientID: String?
}

/// How the certificate would be presented.
struct ExplainCircumstances: Codable, Sendable, Hashable {
    var tlsVersion: ConnectionCircumstances.TLSVersion = .tls13
    var serverName: String?
    /// Nil: the listener of the configuration.
    var listener: String?

    private enum CodingKeys: String, CodingKey {
        case tlsVersion, serverName, listener
    }

    init(
        tlsVersion: ConnectionCircumstances.TLSVersion = .tls13, serverName: String? = nil, listener: String? = nil
    ) {
        self.tlsVersion = tlsVersion
        self.serverName = serverName
        self.listener = listener
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let version = try container.decode(String.self, forKey: .tlsVersion)
        guard let tlsVersion = ConnectionCircumstances.TLSVersion(rawValue: version) else {
            throw DecodingError.dataCorruptedError(
                forKey: .tlsVersion, in: container, debugDescription: "neither 1.2 nor 1.3")
        }
        self.tlsVersion = tlsVersion
        serverName = try container.decodeIfPresent(String.self, forKey: .serverName)
        listener = try container.decodeIfPresent(String.self, forKey: .listener)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tlsVersion.rawValue, forKey: .tlsVersion)
        try container.encodeIfPresent(serverName, forKey: .serverName)
        try container.encodeIfPresent(listener, forKey: .listener)
    }
}
