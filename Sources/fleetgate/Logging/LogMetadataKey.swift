import Logging

/// The keys of structured log messages, in one place: what a log search relies on.
enum LogMetadataKey: String, CaseIterable, Sendable {
    case address
    case authority
    case client
    case clientID = "client-id"
    case code
    case configuration
    case connection
    case count
    case detail
    case device
    case fault
    case fastP256 = "fast-p256"
    case file
    case fingerprint
    case issuer
    case mbedTLS = "mbedtls"
    case nextUpdate = "next-update"
    case number
    case profile
    case profiles
    case quarantine
    case reason
    case revision
    case section
    case serial
    case state
    case source
    case subject
    case tenant
    case thisUpdate = "this-update"
    case version
}

/// The fields of a structured log message, under names that are ours.
struct LogFields: ExpressibleByDictionaryLiteral {
    fileprivate(set) var metadata: Logger.Metadata

    init(dictionaryLiteral elements: (LogMetadataKey, Logger.MetadataValue)...) {
        // Room for those that are mostly added.
        self.metadata = Logger.Metadata(minimumCapacity: max(elements.count, 8))
        for (key, value) in elements { self.metadata[key.rawValue] = value }
    }

    subscript(key: LogMetadataKey) -> Logger.MetadataValue? {
        get { self.metadata[key.rawValue] }
        set { self.metadata[key.rawValue] = newValue }
    }
}

extension Logger {
    /// Logs a message with fields whose names are ours.
    func log(_ level: Level, _ message: Message, fields: LogFields) {
        self.log(level: level, message, metadata: fields.metadata)
    }
}
