import NIOCore
import Testing

@testable import MQTTCodec

@Suite struct MQTTPropertiesTests {
    /// One of each kind, with its bytes and the packets it may be in: written down from the table of section 2.2.2.2.
    private static let table: [(property: MQTTProperty, bytes: Bytes, places: Set<String>)] = [
        (.payloadFormatIndicator(isUTF8: true), [0x01, 1], ["publish", "will"]),
        (.messageExpiryInterval(1), [0x02, 0, 0, 0, 1], ["publish", "will"]),
        (.contentType("c"), [0x03] + text("c"), ["publish", "will"]),
        (.responseTopic("r"), [0x08] + text("r"), ["publish", "will"]),
        (.correlationData(ByteBuffer(bytes: [1])), [0x09] + data([1]), ["publish", "will"]),
        (.subscriptionIdentifier(200), [0x0B, 0xC8, 1], ["publish", "subscribe"]),
        (.sessionExpiryInterval(2), [0x11, 0, 0, 0, 2], ["connect", "connack", "disconnect"]),
        (.assignedClientIdentifier("i"), [0x12] + text("i"), ["connack"]),
        (.serverKeepAlive(3), [0x13, 0, 3], ["connack"]),
        (.authenticationMethod("m"), [0x15] + text("m"), ["connect", "connack", "auth"]),
        (.authenticationData(ByteBuffer(bytes: [2])), [0x16] + data([2]), ["connect", "connack", "auth"]),
        (.requestProblemInformation(true), [0x17, 1], ["connect"]),
        (.willDelayInterval(4), [0x18, 0, 0, 0, 4], ["will"]),
        (.requestResponseInformation(true), [0x19, 1], ["connect"]),
        (.responseInformation("i"), [0x1A] + text("i"), ["connack"]),
        (.serverReference("s"), [0x1C] + text("s"), ["connack", "disconnect"]),
        (
            .reasonString("r"), [0x1F] + text("r"),
            ["connack", "puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback", "disconnect", "auth"]
        ),
        (.receiveMaximum(5), [0x21, 0, 5], ["connect", "connack"]),
        (.topicAliasMaximum(6), [0x22, 0, 6], ["connect", "connack"]),
        (.topicAlias(7), [0x23, 0, 7], ["publish"]),
        (.maximumQoS(.atLeastOnce), [0x24, 1], ["connack"]),
        (.retainAvailable(true), [0x25, 1], ["connack"]),
        (.userProperty(name: "n", value: "v"), [0x26] + text("n") + text("v"), Set(places.keys)),
        (.maximumPacketSize(8), [0x27, 0, 0, 0, 8], ["connect", "connack"]),
        (.wildcardSubscriptionAvailable(true), [0x28, 1], ["connack"]),
        (.subscriptionIdentifierAvailable(true), [0x29, 1], ["connack"]),
        (.sharedSubscriptionAvailable(true), [0x2A, 1], ["connack"]),
    ]

    /// A packet around the given properties' bytes, for each place properties can be in.
    private static let places: [String: @Sendable (Bytes) -> Bytes] = [
        "connect": { packet(0x10, text("MQTT"), [5, 2, 0, 0], properties($0), text("c")) },
        "will": {
            packet(0x10, text("MQTT"), [5, 6, 0, 0], properties(), text("c"), properties($0), text("w"), data([]))
        },
        "connack": { packet(0x20, [0, 0], properties($0)) },
        "publish": { packet(0x30, text("t"), properties($0)) },
        "puback": { packet(0x40, u16(1), [0], properties($0)) },
        "pubrec": { packet(0x50, u16(1), [0], properties($0)) },
        "pubrel": { packet(0x62, u16(1), [0], properties($0)) },
        "pubcomp": { packet(0x70, u16(1), [0], properties($0)) },
        "subscribe": { packet(0x82, u16(1), properties($0), text("f"), [0]) },
        "suback": { packet(0x90, u16(1), properties($0), [0]) },
        "unsubscribe": { packet(0xA2, u16(1), properties($0), text("f")) },
        "unsuback": { packet(0xB0, u16(1), properties($0), [0]) },
        "disconnect": { packet(0xE0, [0], properties($0)) },
        "auth": { packet(0xF0, [0x18], properties($0)) },
    ]

    /// Authentication data, and AUTH, need a method beside the property under test.
    private static func companion(of property: MQTTProperty, in place: String) -> Bytes {
        if case .authenticationMethod = property { return [] }
        if place == "auth" { return [0x15] + text("m") }
        if case .authenticationData = property { return [0x15] + text("m") }
        return []
    }

    private static func decode(_ bytes: Bytes) -> Result<MQTTPacket, any Error> {
        Result { try Vector(name: "", version: .v5, bytes: bytes).decode() }
    }

    @Test func theTableIsComplete() {
        #expect(Set(Self.table.map(\.property.identifier)) == Set(MQTTPropertyIdentifier.allCases))
    }

    @Test func eachPropertyOnlyWhereItBelongs() throws {
        for (property, bytes, allowed) in Self.table {
            for (place, make) in Self.places {
                let method: Bytes = allowed.contains(place) ? Self.companion(of: property, in: place) : []
                let whole = make(method + bytes)
                switch Self.decode(whole) {
                case .success(let packet):
                    #expect(allowed.contains(place), "\(property) in \(place)")
                    #expect(try encoded(packet, .v5) == whole)
                    #expect(String(describing: packet).contains("\(property)"))
                case .failure(let error):
                    #expect(!allowed.contains(place), "\(property) in \(place): \(error)")
                    #expect((error as? MQTTProtocolError)?.code == .badProperty)
                }
            }
        }
    }

    @Test func onlyUserPropertiesAndAPublishsSubscriptionIdentifiersMayRepeat() {
        for (property, bytes, allowed) in Self.table {
            for (place, make) in Self.places where allowed.contains(place) {
                let method = Self.companion(of: property, in: place)
                let mayRepeat =
                    property.identifier == .userProperty
                    || (property.identifier == .subscriptionIdentifier && place == "publish")
                switch Self.decode(make(method + bytes + bytes)) {
                case .success: #expect(mayRepeat, "\(property) in \(place)")
                case .failure(let error):
                    #expect(!mayRepeat, "\(property) in \(place): \(error)")
                    #expect((error as? MQTTProtocolError)?.code == .duplicateProperty)
                }
            }
        }
    }

    @Test func everyPropertyCutShortIsRefused() {
        for (property, bytes, allowed) in Self.table {
            guard let place = allowed.sorted().first, let make = Self.places[place] else { continue }
            for count in 1..<bytes.count {
                guard case .failure = Self.decode(make(Bytes(bytes[..<count]))) else {
                    Issue.record("\(property) of \(count) bytes in \(place)")
                    continue
                }
            }
        }
    }

    @Test func numbersOutsideTheirRange() {
        let outside: [(String, Bytes)] = [
            ("publish", [0x01, 2]), ("publish", [0x01, 255]), ("connect", [0x17, 2]), ("connect", [0x19, 2]),
            ("connect", [0x21, 0, 0]), ("connack", [0x21, 0, 0]), ("connect", [0x27, 0, 0, 0, 0]),
            ("connack", [0x24, 2]),
            ("connack", [0x25, 2]), ("connack", [0x28, 2]), ("connack", [0x29, 2]), ("connack", [0x2A, 2]),
            ("publish", [0x23, 0, 0]), ("publish", [0x0B, 0]), ("subscribe", [0x0B, 0]),
        ]
        for (place, bytes) in outside {
            guard let make = Self.places[place], case .failure(let error) = Self.decode(make(bytes)) else {
                Issue.record("\(bytes) in \(place)")
                continue
            }
            #expect((error as? MQTTProtocolError)?.code == .badProperty)
        }
    }

    @Test func unknownIdentifiers() {
        let known = Set(MQTTPropertyIdentifier.allCases.map(\.rawValue))
        for identifier in UInt8.min...UInt8.max where !known.contains(identifier) {
            for (place, make) in Self.places {
                guard case .failure(let error) = Self.decode(make([identifier, 1, 0, 0, 0])) else {
                    Issue.record("\(identifier) in \(place)")
                    continue
                }
                #expect((error as? MQTTProtocolError)?.code == .badProperty)
            }
        }
    }

    @Test func accessorsFindWhatIsThere() {
        let all = MQTTProperties(Self.table.map(\.property))
        #expect(all.payloadIsUTF8 == true)
        #expect(all.messageExpiryInterval == 1)
        #expect(all.contentType == "c")
        #expect(all.responseTopic == "r")
        #expect(all.correlationData == ByteBuffer(bytes: [1]))
        #expect(all.subscriptionIdentifiers == [200])
        #expect(all.sessionExpiryInterval == 2)
        #expect(all.assignedClientIdentifier == "i")
        #expect(all.serverKeepAlive == 3)
        #expect(all.authenticationMethod == "m")
        #expect(all.authenticationData == ByteBuffer(bytes: [2]))
        #expect(all.requestProblemInformation == true)
        #expect(all.willDelayInterval == 4)
        #expect(all.requestResponseInformation == true)
        #expect(all.responseInformation == "i")
        #expect(all.serverReference == "s")
        #expect(all.reasonString == "r")
        #expect(all.receiveMaximum == 5)
        #expect(all.topicAliasMaximum == 6)
        #expect(all.topicAlias == 7)
        #expect(all.maximumQoS == .atLeastOnce)
        #expect(all.retainAvailable == true)
        #expect(all.userProperties.map(\.name) == ["n"])
        #expect(all.maximumPacketSize == 8)
        #expect(all.wildcardSubscriptionAvailable == true)
        #expect(all.subscriptionIdentifierAvailable == true)
        #expect(all.sharedSubscriptionAvailable == true)
    }

    @Test func accessorsOfNone() {
        let none = MQTTProperties()
        #expect(none.isEmpty && none.topicAlias == nil && none.subscriptionIdentifiers.isEmpty)
        #expect(none.reasonString == nil && none.receiveMaximum == nil && none.userProperties.isEmpty)
    }

    @Test func settingKeepsThePlaceAndRemovingTakesAll() {
        var properties: MQTTProperties = [.receiveMaximum(1), .topicAliasMaximum(2), .sessionExpiryInterval(3)]
        properties.set(.topicAliasMaximum(9))
        #expect(properties == [.receiveMaximum(1), .topicAliasMaximum(9), .sessionExpiryInterval(3)])
        properties.set(.maximumPacketSize(4))
        #expect(properties.last == .maximumPacketSize(4))
        properties.removeAll(like: .receiveMaximum(0))
        #expect(properties == [.topicAliasMaximum(9), .sessionExpiryInterval(3), .maximumPacketSize(4)])
        properties.append(.userProperty(name: "a", value: "1"))
        properties.append(.userProperty(name: "a", value: "2"))
        #expect(properties.userProperties.map(\.value) == ["1", "2"])
        properties.remove { if case .userProperty(_, "1") = $0 { true } else { false } }
        #expect(properties.userProperties.map(\.value) == ["2"])
    }
}
