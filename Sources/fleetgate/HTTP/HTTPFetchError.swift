/// Why something could not be fetched. Holds nothing of an answer's body.
struct HTTPFetchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case, for logs and metrics.
    enum Reason: String, Sendable, Hashable, CaseIterable {
        /// The address cannot be used. The fault of who wrote it.
        case badAddress = "bad-address"
        /// The host is at an address that may not be asked. ``HTTPReach/publicOnly``.
        case addressNotAllowed = "address-not-allowed"
        /// The host's name has no address.
        case nameNotFound = "name-not-found"
        /// Nobody answers there.
        case cannotConnect = "cannot-connect"
        /// The server of an https address could not be verified, or speaks no TLS.
        case tlsFailed = "tls-failed"
        /// There are no certificates of public CAs on this machine that servers could be verified with.
        case noSystemAnchors = "no-system-anchors"
        /// It took longer than it may.
        case timedOut = "timed-out"
        /// The answer is larger than it may be.
        case tooLarge = "too-large"
        /// The answer led elsewhere too often, or to where one cannot go.
        case badRedirect = "bad-redirect"
        /// The server answered with another status than it should.
        case badStatus = "bad-status"
        /// What came back is not HTTP, or not all of it, or in an encoding that was not asked for.
        case badAnswer = "bad-answer"
        /// The task that asked was cancelled.
        case cancelled = "cancelled"
    }

    let reason: Reason
    /// One sentence, without the address. May quote what the server sent; it is made visible here.
    let description: String
    /// The status of the answer, when it is why.
    let status: Int?

    init(_ reason: Reason, _ description: String, status: Int? = nil) {
        self.reason = reason
        self.description = LogText.visible(String(description.prefix(512)))
        self.status = status
    }
}
