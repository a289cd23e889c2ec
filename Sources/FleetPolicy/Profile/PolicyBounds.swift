/// The limits of the policy itself: what a profile may ask for, and what a certificate may make us do.
public enum PolicyBounds {
    /// Bytes of a certificate's value that a pattern reads. X.520 ends most attributes at 64 characters, and four
    /// bytes each make 256; a longer value matches no pattern.
    public static let matchedValueBytesMax = 256
    /// Bytes of a captured value, of a device id and of a tenant. Together with a separator they fit a topic level and
    /// the 256 bytes that brokers commonly allow for a client id.
    public static let identityBytesMax = 128
    /// Bytes of a pattern or a topic filter in a profile: far more than anybody writes by hand. With every placeholder
    /// filled, a filter stays below MQTT's 65,535 bytes.
    static let patternBytesMax = 1_024
    /// Bytes of a placeholder's name.
    static let placeholderNameBytesMax = 32
    /// Captures in one pattern: bounds the work of a match to this times the value's length.
    static let capturesPerPatternMax = 8
    /// Captures in one profile, so that a device's values stay small.
    static let capturesPerProfileMax = 32
    /// Entries in one list of topics: every publish walks the list.
    static let filtersPerListMax = 256
    /// Bytes of a profile's name: it is a label of metrics and a file name.
    static let profileNameBytesMax = 64
    /// Priorities, symmetrical so that there is room below the default of 0.
    static let priorities = -1_000...1_000

    /// A PUBLISH needs some bytes to say anything; above 16 MiB one device could fill the gateway's memory.
    static let packetBytes = 128...16_777_216
    /// MQTT counts the keep-alive in 16 bits of seconds.
    static let keepAliveSeconds = 1...65_535
    static let messagesPerSecond = 1...100_000
    static let messagesBurst = 1...1_000_000
    /// A year: a session kept longer is kept for a device that does not come back.
    static let sessionExpirySeconds = 0...31_536_000
    static let subscriptions = 0...10_000
}
