/// A device profile as the operator wrote it, with what it inherits: parsed, not yet checked against itself or the
/// other profiles.
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

    /// The `quarantine` of a profile.
    struct Quarantine: Sendable {
        let profile: Located<String>?
        let rule: QuarantineRule
    }

    /// Where the document begins.
    let location: SourceLocation
    let name: Located<String>?
    let description: String?
    let isAbstract: Bool
    let priority: Int
    let match: MatchDocument?
    let device: Located<String>?
    let tenant: Located<String>?
    let clientID: ClientIDRule?
    let publish: [TopicEntry]
    let denyPublish: [Located<String>]
    let subscribe: [TopicEntry]
    let denySubscribe: [Located<String>]
    let will: Will
    let topicPrefix: Located<String>?
    let upstream: Located<String>?
    let asksForPassword: Bool
    let registration: RegistrationRule
    let quarantine: Quarantine?
    let limits: DeviceLimits
    /// Where `limits.connections` stands; nil when it is not given.
    let connectionsLocation: SourceLocation?
}

/// The `match` of a profile: what has to hold of a certificate and its connection.
struct MatchDocument: Sendable {
    /// What has to hold of a distinguished name.
    enum Name: Sendable {
        /// The whole name, in the form of RFC 4514.
        case exact(Located<String>)
        /// A pattern for each of some attributes, by dotted object identifier.
        case attributes([(oid: String, pattern: Located<String>)])
    }

    /// A condition whose values need no compiling beyond a look at each.
    struct Plain: Sendable {
        let field: MatchField
        let test: MatchCondition.Test
        let wanted: String
    }

    let location: SourceLocation
    let subject: Name?
    let issuer: Name?
    let directoryName: Name?
    let trustAnchor: Located<String>?
    /// Patterns over fields of one text each.
    let patterns: [(field: MatchField, pattern: Located<String>)]
    let plain: [Plain]
    /// The `listener`, to be checked against the configuration.
    let listener: Located<String>?
}
