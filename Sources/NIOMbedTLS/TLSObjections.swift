/// What verification has against a peer's chain and an authorization may excuse.
///
/// These two are all that can be excused. A wrong signature, an intermediate or an anchor that has expired, a
/// certificate that is not valid yet, a weak key or digest, a usage that does not fit, a chain that is too long: each
/// of them refuses the chain before the authorization is asked, whatever else there is.
public struct TLSObjections: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The leaf's notAfter has passed. Alone the refusal is `expired`.
    public static let expired = TLSObjections(rawValue: 1 << 0)
    /// No trust anchor issued the chain, and none has the name of the issuer at its top. Alone the refusal is
    /// `unknown-ca`. What the chain says is then only what the holder of the leaf's key says.
    public static let untrusted = TLSObjections(rawValue: 1 << 1)
}
