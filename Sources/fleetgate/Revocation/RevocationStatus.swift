import Foundation

/// What is known of one CA's list: for `fleetgate crl status` and over the admin socket.
struct ListStatus: Sendable, Hashable, Codable {
    enum State: String, Sendable, Hashable, Codable {
        /// There is a list, and it is in date.
        case inForce = "in-force"
        /// There is a list, and its nextUpdate has passed.
        case outdated
        /// There is none.
        case missing
    }

    /// Why the last list that was offered was not taken.
    struct Problem: Sendable, Hashable, Codable {
        var reason: String
        var message: String
    }

    /// As metrics name it.
    var authority: String
    /// 64 hexadecimal digits.
    var id: String
    var subject: String
    /// The bundles of the trust anchors that it is one of, or below.
    var bundles: [String]
    /// `optional` or `required`: the stricter one of its bundles.
    var policy: String
    var state: State
    /// Whether `fleetgate_crl_alarm` is 1.
    var isAlarm: Bool
    var entries: Int
    /// In hexadecimal; nil: it has none, or there are several parts.
    var number: String?
    var thisUpdate: Date?
    var nextUpdate: Date?
    var signatureAlgorithm: String?
    /// How many partitioned lists it is made of.
    var parts: Int
    /// Where the list came from: files and addresses.
    var sources: [String]

    enum CodingKeys: String, CodingKey {
        case authority, id, subject, bundles, policy, state
        case isAlarm = "alarm"
        case entries, number
        case thisUpdate = "this-update"
        case nextUpdate = "next-update"
        case signatureAlgorithm = "signature-algorithm"
        case parts, sources
    }
}

/// What is known of one place that lists come from.
struct SourceStatus: Sendable, Hashable, Codable {
    /// A path or an address.
    var source: String
    /// Whether a certificate named it.
    var isDistributionPoint: Bool
    /// When it is asked next; nil: it is a file, which is watched.
    var nextRefresh: Date?
    var failures: Int
    var problem: ListStatus.Problem?

    enum CodingKeys: String, CodingKey {
        case source
        case isDistributionPoint = "distribution-point"
        case nextRefresh = "next-refresh"
        case failures, problem
    }
}

/// The whole answer of `crl status`.
struct RevocationStatus: Sendable, Hashable, Codable {
    var authorities: [ListStatus]
    var sources: [SourceStatus]
    /// The operator's own revocations.
    var localRevocations: Int

    enum CodingKeys: String, CodingKey {
        case authorities, sources
        case localRevocations = "local-revocations"
    }
}
