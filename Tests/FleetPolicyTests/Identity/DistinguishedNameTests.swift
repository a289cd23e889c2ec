import Testing

@testable import FleetPolicy

@Suite struct DistinguishedNameTests {
    typealias Attribute = DistinguishedName.Attribute
    typealias RelativeName = DistinguishedName.RelativeName

    @Test func theMostSpecificNameComesFirst() throws {
        let name = try #require(DistinguishedName(attributes: [("C", "DE"), ("O", "Elbe Netz"), ("CN", "meter-1")]))
        #expect("\(name)" == "CN=meter-1,O=Elbe Netz,C=DE")
        #expect(name.values(ofType: "2.5.4.10") == ["Elbe Netz"])
    }

    @Test(arguments: [
        ("plain", "plain"), ("a,b", "a\\,b"), ("a+b", "a\\+b"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"),
        ("<a>;", "\\<a\\>\\;"), (" a ", "\\ a\\ "), ("#a", "\\#a"), ("a#", "a#"), ("a b", "a b"), (" ", "\\ "),
        ("a\0b", "a\\00b"), ("a\nb", "a\\0Ab"), ("\u{7F}", "\\7F"), ("\u{9B}", "\\C2\\9B"), ("a=b", "a=b"),
        ("\u{202E}x", "\\E2\\80\\AEx"), ("Žižkov 東京", "Žižkov 東京"), ("", ""), ("\u{1B}[2J", "\\1B[2J"),
    ])
    func escapes(value: String, expected: String) {
        #expect(DistinguishedName.escaped(value) == expected)
    }

    @Test func attributeWithoutShortNameIsWrittenInHexadecimal() throws {
        let name = try #require(DistinguishedName(attributes: [("1.2.3.4", "AB")]))
        #expect("\(name)" == "1.2.3.4=#0C024142")
    }

    /// The examples of RFC 4514, section 4, as far as their types have names here.
    @Test(arguments: [
        "UID=jsmith,DC=example,DC=net", "CN=J.  Smith+OU=Sales,DC=example,DC=net",
        "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net", "CN=Before\\0DAfter,DC=example,DC=net",
        "1.3.6.1.4.1.1466.0=#0C024869", "CN=Lučić", "",
    ])
    func textSurvivesARoundTrip(text: String) throws {
        let name = try #require(DistinguishedName(rfc4514: text))
        #expect("\(name)" == text)
    }

    @Test func anyNameSurvivesARoundTrip() throws {
        var random = SeededRandom(seed: 4_514)
        let scalars: [Unicode.Scalar] = [
            "a", "Z", "0", " ", "#", ",", "+", "\"", "\\", "<", ">", ";", "=", "\0", "\n", "é", "東", "\u{301}", "😀",
        ]
        let types = ["2.5.4.3", "2.5.4.10", "2.5.4.5", "1.2.3.4", "1.2.840.113549.1.9.1"]
        for _ in 0..<2_000 {
            let name = DistinguishedName(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    RelativeName(
                        (0..<Int.random(in: 1...2, using: &random)).map { _ in
                            var value = String.UnicodeScalarView()
                            for _ in 0..<Int.random(in: 0...6, using: &random) {
                                value.append(scalars[Int.random(in: scalars.indices, using: &random)])
                            }
                            let type = types[Int.random(in: types.indices, using: &random)]
                            return Attribute(attributeType: type, value: String(value))
                        })
                })
            let read = DistinguishedName(rfc4514: "\(name)")
            #expect(read == name, "\(name)")
        }
    }

    @Test func longValuesSurviveARoundTrip() throws {
        for count in [127, 128, 255, 256, 70_000] {
            let name = try #require(DistinguishedName(attributes: [("1.2.3", String(repeating: "x", count: count))]))
            #expect(DistinguishedName(rfc4514: "\(name)") == name)
        }
    }

    @Test func readsWhatPeopleWrite() throws {
        let name = try #require(DistinguishedName(rfc4514: "cn = meter-1 , ou= hamburg ,O=\\20x"))
        #expect(name.values(ofType: "2.5.4.3") == ["meter-1"])
        #expect(name.values(ofType: "2.5.4.11") == ["hamburg"])
        #expect(name.values(ofType: "2.5.4.10") == [" x"])
    }

    @Test(arguments: [
        "CN", "CN=a,", ",CN=a", "=a", "XX=a", "CN=a;O=b", "CN=\"a\"", "CN=a\\", "CN=a\\0", "CN=a\\zz", "CN=a+",
        "1.2.3=#0", "1.2.3=#0C", "1.2.3=#0C05", "1.2.3=#0C0141FF", "1.2.3=#30024142", "1.2.3=#0C01FF", "CN=#zz",
        "CN=\\FF", "1.=a", ".1=a", "1..2=a", "01.2=a", "1=a", "CN=<a>", "CN=a\0", "1.2.3=#0C84FFFFFFFF41",
        "1.2.3=#0C80",
    ])
    func refusesMalformedText(text: String) {
        #expect(DistinguishedName(rfc4514: text) == nil)
    }

    @Test func equalityIsByteForByte() throws {
        let composed = try #require(DistinguishedName(attributes: [("CN", "caf\u{E9}")]))
        let decomposed = try #require(DistinguishedName(attributes: [("CN", "cafe\u{301}")]))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test(arguments: [
        ("serialNumber=sn77+CN=rich-77", "CN=rich-77+serialNumber=sn77"),
        ("OU=Sales+CN=J.  Smith,DC=example,DC=net", "CN=J.  Smith+OU=Sales,DC=example,DC=net"),
        ("1.2.9=#0C0141+1.2.10=#0C0141+CN=a", "CN=a+1.2.10=#0C0141+1.2.9=#0C0141"),
        ("CN=b+CN=a+CN=b", "CN=a+CN=b+CN=b"),
        ("O=x,OU=b+OU=a+O=c,CN=y", "O=x,O=c+OU=a+OU=b,CN=y"),
    ])
    func insideARelativeNameTheOrderMeansNothing(text: String, canonical: String) throws {
        let (one, other) = (
            try #require(DistinguishedName(rfc4514: text)), try #require(DistinguishedName(rfc4514: canonical))
        )
        #expect(one == other && one.hashValue == other.hashValue && Set([one, other]).count == 1)
        #expect("\(one)" == canonical && "\(other)" == canonical)
    }

    @Test(arguments: [
        ("CN=a,OU=b", "OU=b,CN=a"), ("CN=a+OU=b", "CN=a,OU=b"), ("CN=a+OU=b", "CN=b+OU=a"), ("CN=a+CN=a", "CN=a"),
        ("CN=a+OU=b,O=c", "O=c,CN=a+OU=b"), ("CN=a+OU=b+O=c", "CN=a+OU=b,O=c"), ("CN=a+CN=a+OU=b", "CN=a+OU=b+OU=b"),
        ("CN=caf\u{E9}+OU=b", "OU=b+CN=cafe\u{301}"),
    ])
    func otherDifferencesCount(one: String, other: String) throws {
        let names = [try #require(DistinguishedName(rfc4514: one)), try #require(DistinguishedName(rfc4514: other))]
        #expect(names[0] != names[1] && Set(names).count == 2)
        #expect(Set(names.map { Array("\($0)".utf8) }).count == 2)
    }

    @Test func unknownShortNamesAreRefused() {
        #expect(DistinguishedName(attributes: [("XYZ", "a")]) == nil)
    }

    @Test func tableHoldsEachNameAndIdentifierOnce() {
        #expect(Set(AttributeType.table.map { $0.name.lowercased() }).count == AttributeType.table.count)
        #expect(Set(AttributeType.table.map(\.oid)).count == AttributeType.table.count)
        #expect(AttributeType.table.allSatisfy { AttributeType.isDottedOID($0.oid) })
    }
}

@Suite struct IPAddressTextTests {
    @Test(
        arguments: [
            ([192, 0, 2, 7], "192.0.2.7"),
            ([0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7], "2001:db8::7"),
            ([UInt8](repeating: 0, count: 16), "::"), ([UInt8](repeating: 0, count: 15) + [1], "::1"),
            ([0, 1] + [UInt8](repeating: 0, count: 14), "1::"),
            ([0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 5], "1:0:2::3:4:5"),
            ([0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7], "1:0:2:3:4:5:6:7"),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1], "::1:0:0:1:1:1"),
        ] as [([UInt8], String)])
    func text(bytes: [UInt8], expected: String) {
        #expect(IPAddressText.text(of: bytes) == expected)
    }

    @Test(arguments: [0, 3, 5, 8, 15, 17])
    func otherLengthsAreNoAddress(count: Int) {
        #expect(IPAddressText.text(of: [UInt8](repeating: 1, count: count)) == nil)
    }
}

/// SplitMix64: random cases that are the same in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
