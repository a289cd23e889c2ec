internal import FleetPolicy

/// A profile's document written as a Swift literal, instead of a YAML file: what the compiler is given.
enum ProfileTree {
    case scalar(String, quoted: Bool)
    case sequence([ProfileTree])
    case mapping([(String, ProfileTree)])

    /// The tree in the form the policy reads. Places are all the same: these documents have no mistakes to point at.
    var node: SourceNode {
        let place = SourceLocation(file: "test", line: 1, column: 1)
        return switch self {
        case .scalar(let text, let quoted): .scalar(text, quoted: quoted, place)
        case .sequence(let entries): .sequence(entries.map(\.node), place)
        case .mapping(let entries):
            .mapping(entries.map { (key: $0.0, keyLocation: place, value: $0.1.node) }, place)
        }
    }
}

extension ProfileTree: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .scalar(value, quoted: true) }
}

extension ProfileTree: ExpressibleByIntegerLiteral {
    init(integerLiteral value: Int) { self = .scalar("\(value)", quoted: false) }
}

extension ProfileTree: ExpressibleByBooleanLiteral {
    init(booleanLiteral value: Bool) { self = .scalar("\(value)", quoted: false) }
}

extension ProfileTree: ExpressibleByArrayLiteral {
    init(arrayLiteral elements: ProfileTree...) { self = .sequence(elements) }
}

extension ProfileTree: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, ProfileTree)...) { self = .mapping(elements) }
}

/// A value with a unit, which the operator writes without quotes.
func unit(_ text: String) -> ProfileTree { .scalar(text, quoted: false) }
