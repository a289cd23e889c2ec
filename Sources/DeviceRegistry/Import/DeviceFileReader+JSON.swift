internal import FleetPolicy
internal import Foundation

extension DeviceFileReader {
    /// Bytes of a line: a device with everything at its longest.
    static let lineBytesMax = 65_536

    static func readJSONLines(_ bytes: [UInt8], _ collector: inout Collector) throws(RegistryError) {
        let decoder = JSONDecoder()
        var line = 0
        for text in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            line += 1
            let text = text.last == 0x0D ? text.dropLast() : text
            guard text.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
            try collector.begin()
            guard text.count <= lineBytesMax else {
                collector.mistakes.report(line, "", "is longer than \(lineBytesMax) bytes")
                continue
            }
            guard let value = try? decoder.decode(JSONValue.self, from: Data(text)) else {
                collector.mistakes.report(line, "", "is no JSON")
                continue
            }
            guard case .object(let object) = value else {
                collector.mistakes.report(line, "", "is no JSON object")
                continue
            }
            if let device = read(object, line, &collector.mistakes) { collector.take(device) }
        }
    }

    private static func read(
        _ object: [String: JSONValue], _ line: Int, _ mistakes: inout ImportMistakes
    ) -> ImportedDevice? {
        let before = mistakes.count
        var texts: [String: String] = [:]
        for name in ["device", "tenant", "state", "profile", "note", "password-hash"] {
            switch object[name] {
            case .none, .null: break
            case .string(let text): texts[name] = text
            case .number, .other, .bool, .array, .object: mistakes.report(line, name, "is no text")
            }
        }
        let key = key(device: texts["device"], tenant: texts["tenant"], line: line, &mistakes)
        var device = ImportedDevice(line: line, key: key ?? DeviceKey(tenant: "", deviceID: ""))
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "device", "tenant": break
            case "state":
                if let text = texts[name], !text.isEmpty { device.state = state(text, line, &mistakes) }
            case "profile": device.profile = texts[name] ?? ""
            case "note": device.note = texts[name] ?? ""
            case "password-hash": device.passwordHash = .given(texts[name].flatMap { $0.isEmpty ? nil : $0 })
            case "attributes": readAttributes(value, line, &device, &mistakes)
            case "overrides": readOverrides(value, line, &device, &mistakes)
            case "pins": readPins(value, line, &device, &mistakes)
            case _: mistakes.report(line, CommandRules.shown(name), "is no key")
            }
        }
        return mistakes.count == before ? device : nil
    }

    private static func readAttributes(
        _ value: JSONValue, _ line: Int, _ device: inout ImportedDevice, _ mistakes: inout ImportMistakes
    ) {
        guard let object = value.members else { return mistakes.report(line, "attributes", "is no object") }
        device.attributes.replacesAll = true
        for (name, value) in object {
            guard case .string(let text) = value else {
                mistakes.report(line, "attribute.\(CommandRules.shown(name))", "is no text")
                continue
            }
            device.attributes.values[name] = text
        }
    }

    private static func readOverrides(
        _ value: JSONValue, _ line: Int, _ device: inout ImportedDevice, _ mistakes: inout ImportMistakes
    ) {
        guard let object = value.members else { return mistakes.report(line, "overrides", "is no object") }
        device.overrides.replacesAll = true
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            var number: Int?
            if case .number(let given) = value { number = given }
            let shown = number.map { "\($0)" } ?? "the value"
            if let value = override(name, number, shown: shown, line, &mistakes) {
                device.overrides.values[name] = value
            }
        }
    }

    private static func readPins(
        _ value: JSONValue, _ line: Int, _ device: inout ImportedDevice, _ mistakes: inout ImportMistakes
    ) {
        guard case .array(let values) = value else { return mistakes.report(line, "pins", "is no array") }
        var pins: [CertificatePin] = []
        for (position, value) in values.enumerated() {
            guard position <= RegisteredDevice.pinsMax else { break }
            var text = ""
            if case .string(let given) = value { text = given }
            if let pin = pin(text, position + 1, line, &mistakes) { pins.append(pin) }
        }
        device.pins = pins
    }
}

/// A value of a JSON text (RFC 8259).
enum JSONValue: Decodable {
    case null
    case bool
    case string(String)
    /// A number that is an integer of the machine.
    case number(Int)
    /// Any other number.
    case other
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if container.decodeNil() {
            self = .null
        } else if (try? container.decode(Bool.self)) != nil {
            self = .bool
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else if let object = try? container.decode([String: JSONValue].self) {
            self = .object(object)
        } else {
            _ = try container.decode(Double.self)
            self = .other
        }
    }

    /// Of an object; of null none.
    var members: [String: JSONValue]? {
        switch self {
        case .object(let members): members
        case .null: [:]
        case .bool, .string, .number, .other, .array: nil
        }
    }
}
