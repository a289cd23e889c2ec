/// A device profile as the operator wrote it: parsed, not yet checked against itself or the other profiles.
///
/// What could not be read is absent; the mistake has been reported. Patterns and templates are still text, with their
/// places, so that mistakes in them can be pointed at.
public struct DeviceProfileDocument: Sendable {
    /// A topic of a list, with what its list allows to be said about it.
    struct TopicEntry: Sendable {
        let filter: Located<String>
        let maximumQoS: UInt8
        /// Of `publish` and `will`: whether the message may be retained.
        var allowsRetain = false
        /// Of `subscribe`: whether `$share/group/` may stand before it.
        var allowsShared = false
    }

    enum Will: Sendable {
        case none
        case likePublish
        case listed([TopicEntry])
    }

    /// Where the document begins.
    let location: SourceLocation
    let name: Located<String>?
    let description: String?
    let priority: Int
    let match: MatchDocument?
    let device: Located<String>?
    let tenant: Located<String>?
    let publish: [TopicEntry]
    let denyPublish: [Located<String>]
    let subscribe: [TopicEntry]
    let denySubscribe: [Located<String>]
    let will: Will
    let limits: DeviceLimits
}

/// The `match` of a profile: what has to hold of a certificate.
struct MatchDocument: Sendable {
    /// What has to hold of a distinguished name.
    enum Name: Sendable {
        /// The whole name, in the form of RFC 4514.
        case exact(Located<String>)
        /// A pattern for each of some attributes, by dotted object identifier.
        case attributes([(oid: String, pattern: Located<String>)])
    }

    let location: SourceLocation
    let issuer: Name?
    let subject: Name?
    let alternativeNames: [(kind: AlternativeNameKind, pattern: Located<String>)]
}
