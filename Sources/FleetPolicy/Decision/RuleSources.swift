/// The entries of a profile's lists of topics as the operator wrote them, each at the place of its compiled form in
/// `AccessRules`.
struct RuleSources: Sendable {
    let publish: [Located<String>]
    let denyPublish: [Located<String>]
    let subscribe: [Located<String>]
    let denySubscribe: [Located<String>]
    /// Empty unless the profile lists wills of its own.
    let will: [Located<String>]

    init(_ document: DeviceProfileDocument) {
        publish = document.publish.map(\.filter)
        denyPublish = document.denyPublish
        subscribe = document.subscribe.map(\.filter)
        denySubscribe = document.denySubscribe
        will =
            switch document.will {
            case .none, .likePublish: []
            case .listed(let entries): entries.map(\.filter)
            }
    }
}
