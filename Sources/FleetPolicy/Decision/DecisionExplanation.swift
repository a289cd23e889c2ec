/// Why a certificate gets what it gets: every profile that was tried, what the registry knows, and the decision.
///
/// Made for people and for tools. Values from the certificate are shortened and free of control characters. The same
/// input gives the same explanation.
public struct DecisionExplanation: Sendable, Hashable, Codable {
    /// What became of one profile.
    public struct Trial: Sendable, Hashable, Codable {
        /// The raw values are stable.
        public enum Outcome: String, Sendable, Hashable, Codable {
            /// It matches, and no other profile comes before it.
            case chosen
            /// It matches, and a profile of a higher rank comes before it.
            case outranked
            /// It matches, and so does another profile of its rank; or it can be read in more than one way.
            case ambiguous
            case noMatch = "no-match"
        }

        public let profile: String
        /// Where the profile begins in the operator's files.
        public let location: SourceLocation
        public let rank: Rank
        public let outcome: Outcome
        /// The conditions that do not hold, or that hold in several ways, in plain words; empty when all hold.
        public let reasons: [String]
        /// What the match captured, in the order of the conditions; empty when it does not match.
        public let captures: [NamedValue]
    }

    public struct NamedValue: Sendable, Hashable, Codable {
        public let name: String
        public let value: String
    }

    /// What the registry knows of the device.
    public struct Registration: Sendable, Hashable, Codable {
        public let key: DeviceKey
        public let state: DeviceState
        /// The profile it was registered under; empty: none.
        public let profile: String
        /// How many pins it has.
        public let pins: Int
        /// Whether one of them is this certificate's.
        public let fitsPin: Bool
        public let attributes: [NamedValue]
        public let hasPassword: Bool
        public let hasOverrides: Bool
    }

    /// What the operator asks of the trust anchor.
    public struct Anchor: Sendable, Hashable, Codable {
        /// The bundle that it is in; nil: the configuration has no rules for it.
        public let bundle: String?
        /// The tenants that devices under it may belong to, sorted; empty: any.
        public let tenants: [String]
        /// `off`, `optional` or `required`: whether a CRL has to say that a certificate is good.
        public let listRule: String
    }

    /// What is known about the revocation of the chain.
    public struct RevocationCheck: Sendable, Hashable, Codable {
        /// The raw values are stable.
        public enum Result: String, Sendable, Hashable, Codable {
            /// Nothing is against the chain.
            case good
            case revoked
            /// A CRL is asked for, and there is none.
            case listMissing = "list-missing"
            /// The CRL is out of date by more than is forgiven.
            case listOutdated = "list-outdated"
        }

        /// A certificate of the chain, with the CRL that is looked at for it.
        public struct Link: Sendable, Hashable, Codable {
            /// Which CA issued it: lower-case hexadecimal of ``AuthorityID/bytes``.
            public let issuer: String
            /// Lower-case hexadecimal, without leading zeros.
            public let serialNumber: String
            /// Nil: there is none of its issuer.
            public let list: List?
        }

        /// A CRL in force.
        public struct List: Sendable, Hashable, Codable {
            /// Lower-case hexadecimal; empty: it has none.
            public let number: String
            /// Seconds since 1970-01-01T00:00:00Z.
            public let thisUpdate: Int64
            /// Seconds since 1970-01-01T00:00:00Z; nil: it does not say.
            public let nextUpdate: Int64?
            public let entries: Int
        }

        public let result: Result
        /// Where in the chain the objection is: 0 is the device's certificate. Nil: there is none.
        public let position: Int?
        /// One sentence for the operator.
        public let text: String
        /// The certificates below the anchor, the device's first.
        public let chain: [Link]
    }

    /// What was decided.
    public struct Outcome: Sendable, Hashable, Codable {
        public let isGranted: Bool
        /// The denial's stable code; nil when it was granted.
        public let code: String?
        /// One sentence for the operator.
        public let text: String
        /// The device, when it is known who it is.
        public let device: DeviceKey?
        /// The profile whose rules hold: the quarantine profile where the device has that.
        public let profile: String?
        /// The stable reason (`expired`, `suspended`, `pending`, `unregistered`, `cloned`) for a quarantine; nil: none.
        public let quarantine: String?
        /// The state in which the device would be registered; nil: it would not be.
        public let registersAs: DeviceState?
        public let asksForPassword: Bool
    }

    /// In the form of RFC 4514.
    public let subject: String
    /// In the form of RFC 4514.
    public let issuer: String
    /// The subject of the trust anchor in the form of RFC 4514; nil: none issued the chain.
    public let trustAnchor: String?
    /// Nil: none issued the chain.
    public let anchor: Anchor?
    public let revocation: RevocationCheck
    /// Whether the certificate seems to be in use in two places.
    public let isSuspectedClone: Bool
    /// Every profile, in the order in which they are tried.
    public let trials: [Trial]
    /// The device for which the certificate or its key is pinned; nil: none, or more than one.
    public let pinnedFor: DeviceKey?
    /// Nil: the device is not registered, or it is not known who it is.
    public let registration: Registration?
    public let outcome: Outcome
}

/// What the rules of one device say about one topic, and the entry that decides.
public struct TopicExplanation: Sendable, Hashable, Codable {
    /// What was asked. The raw values are stable.
    public enum Action: String, Sendable, Hashable, Codable, CaseIterable {
        case publish, will, subscribe
    }

    public let action: Action
    /// The topic name or topic filter that was asked about, free of control characters.
    public let topic: String
    public let isGranted: Bool
    /// The denial's stable code; nil when it is granted.
    public let code: String?
    /// Of a granted subscription: the highest QoS it gets. Else nil.
    public let maximumQoS: Int?
    /// The entry that decides; nil when none of the profile's entries names the topic.
    public let entry: RuleEntry?
    /// One sentence for the operator.
    public let text: String
}

/// One entry of a profile's lists of topics.
public struct RuleEntry: Sendable, Hashable, Codable {
    /// The lists of a profile. The raw values are the keys.
    public enum List: String, Sendable, Hashable, Codable, CaseIterable {
        case publish, will, subscribe
        case denyPublish = "deny-publish"
        case denySubscribe = "deny-subscribe"
    }

    public let list: List
    /// As the operator wrote it.
    public let written: String
    /// With this device's values in it; without the topic prefix.
    public let filter: String
    public let location: SourceLocation
    /// The highest QoS; nil for what is denied.
    public let maximumQoS: Int?
    /// Whether messages may be retained; nil where that has no meaning.
    public let allowsRetain: Bool?
    /// Whether shared subscriptions are allowed; nil where that has no meaning.
    public let allowsShared: Bool?
}

/// All that one device may do on topics, for listings and comparisons.
public struct EffectiveRules: Sendable, Hashable, Codable {
    public let device: DeviceKey
    public let profile: String
    /// Stands before every topic at the broker; empty: nothing does.
    public let topicPrefix: String
    /// In the order of the profile, list by list: publish, deny-publish, subscribe, deny-subscribe, will.
    public let entries: [RuleEntry]
    /// Whether a will may be whatever the device may publish.
    public let willLikePublish: Bool
}
