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
    /// Values of a certificate that matches look at: names and alternative names. No real device has a tenth of it; a
    /// certificate with more gets nothing, rather than a decision about a part of it.
    static let certificateValuesMax = 256
    /// Profiles in a chain of `extends`, the profile itself not counted.
    static let extendsDepthMax = 8
    /// Values of a list such as `fingerprint` or `policy`.
    static let listedValuesMax = 256
    /// Attributes of the registry that one profile uses.
    static let registryValuesPerProfileMax = 32
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
    /// MQTT counts it in 16 bits, and 0 is an error (MQTT 5, 3.1.2.11.3).
    static let receiveMaximum = 1...65_535
    /// Far below, no message gets through; far above, the rate is no bound.
    static let bytesPerSecond = 1...1_073_741_824
    static let bytesBurst = 1...1_073_741_824
    /// A fleet of workers under one device id; more are more than one device.
    static let connections = 1...100
    /// A month: a certificate that is out of date for longer is not about to be renewed.
    static let expiryGraceSeconds = 0...2_592_000
    /// Ten years.
    static let expiredQuarantineSeconds = 1...315_360_000
    static let registrationQuota = 1...10_000_000
    /// The largest key of any use is far below.
    static let keyBits = 1...65_536
    /// A century either way.
    static let daysLeft = -36_500...36_500
}
