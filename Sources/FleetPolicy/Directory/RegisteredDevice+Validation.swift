extension RegisteredDevice {
    /// One thing that is wrong with a device as somebody described it.
    public struct Mistake: Sendable, Hashable {
        /// The part, in the words of imports: `device`, `profile`, `pin.2`, `attribute.site`, `override.packet-bytes`.
        public let field: String
        /// What is wrong, as the rest of a sentence about the part. Values in it are not escaped.
        public let message: String

        public init(field: String, message: String) {
            self.field = field
            self.message = message
        }
    }

    /// Everything that is wrong with the device, in a fixed order; empty when it may be registered. What the password
    /// hash says is for whoever made it to judge, but for its length.
    public var mistakes: [Mistake] {
        var mistakes: [Mistake] = []
        if let objection = PlaceholderValue.objection(to: Array(key.tenant.utf8)) {
            mistakes.append(Mistake(field: "tenant", message: objection))
        }
        if let objection = PlaceholderValue.objection(to: Array(key.deviceID.utf8)) {
            mistakes.append(Mistake(field: "device", message: objection))
        }
        if let objection = Self.objection(toProfile: profile) {
            mistakes.append(Mistake(field: "profile", message: objection))
        }
        mistakes += pinMistakes
        if attributes.count > Self.attributesMax {
            mistakes.append(Mistake(field: "attribute", message: "there are more than \(Self.attributesMax)"))
        }
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
            if let objection = Self.objection(toAttributeName: name)
                ?? PlaceholderValue.objection(to: Array(value.utf8))
            {
                mistakes.append(Mistake(field: "attribute.\(name)", message: objection))
            }
        }
        for limit in DeviceOverrides.Limit.allCases {
            guard let value = overrides[limit], !limit.range.contains(value) else { continue }
            mistakes.append(
                Mistake(
                    field: "override.\(limit.rawValue)",
                    message: "is \(value), not in \(limit.range.lowerBound) to \(limit.range.upperBound)"))
        }
        if let passwordHash, passwordHash.isEmpty || passwordHash.utf8.count > Self.passwordHashBytesMax {
            mistakes.append(
                Mistake(
                    field: "password-hash", message: "is not 1 to \(Self.passwordHashBytesMax) bytes long"))
        }
        return mistakes
    }

    private var pinMistakes: [Mistake] {
        var mistakes: [Mistake] = []
        if pins.count > Self.pinsMax {
            mistakes.append(Mistake(field: "pin", message: "there are more than \(Self.pinsMax)"))
        }
        for (position, pin) in pins.enumerated() where pins[..<position].contains(pin) {
            mistakes.append(Mistake(field: "pin.\(position + 1)", message: "is given twice"))
        }
        return mistakes
    }

    /// Why a text cannot be a profile's name, or nil. Empty is allowed: nobody said.
    public static func objection(toProfile name: String) -> String? {
        guard !name.isEmpty else { return nil }
        guard name.utf8.count <= PolicyBounds.profileNameBytesMax else {
            return "is longer than \(PolicyBounds.profileNameBytesMax) bytes"
        }
        guard name.utf8.allSatisfy(isNameByte) else { return "has more than lower-case letters, digits, `-` and `_`" }
        return nil
    }

    /// Why a text cannot be an attribute's name, or nil.
    public static func objection(toAttributeName name: String) -> String? {
        guard !name.isEmpty else { return "has no name" }
        guard name.utf8.count <= attributeNameBytesMax else {
            return "has a name longer than \(attributeNameBytesMax) bytes"
        }
        guard name.utf8.allSatisfy(isNameByte) else {
            return "has more than lower-case letters, digits, `-` and `_` in its name"
        }
        return nil
    }

    /// Why a free text, such as a note, is refused, or nil. Line breaks and tabs are for the caller to allow.
    public static func objection(toText text: String, bytesMax: Int, allowsLineBreaks: Bool) -> String? {
        guard text.utf8.count <= bytesMax else { return "is longer than \(bytesMax) bytes" }
        for scalar in text.unicodeScalars where ControlCharacters.contains(scalar) {
            if allowsLineBreaks, scalar == "\n" || scalar == "\r" || scalar == "\t" { continue }
            return "contains a control character"
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"): true
        case _: false
        }
    }
}
