import SwiftASN1
import Testing
import X509

@testable import FleetPKI

@Suite struct DirectoryAttributeTests {
    @Test(arguments: [
        ("2.5.4.3", "2.5.4.3"), ("1.2.840.113549.1.9.1", "1.2.840.113549.1.9.1"), ("2.999.1", "2.999.1"),
        ("0.39", "0.39"), ("2.4294967295", "2.4294967295"), ("1.39.4294967295", "1.39.4294967295"),
    ])
    func objectIdentifiersSurvive(_ text: String, _ expected: String) throws {
        #expect(try ASN1ObjectIdentifier(checkedDotted: text).dotted == expected)
    }

    @Test(arguments: [
        "", ".", "1", "1.", ".1", "1..2", "3.1", "0.40", "1.40", "1.2.x", "-1.2", "+1.2", "1.2.4294967296",
        "1.2.18446744073709551616", "1.2 ", "CNN", "18446744073709551615.1", "1.2.٣",
        String(repeating: "1.", count: 64) + "1",
    ])
    func malformedObjectIdentifiers(_ text: String) throws {
        #expect(try code { try ASN1ObjectIdentifier(checkedDotted: text) } == .invalidObjectIdentifier)
    }

    @Test(arguments: [
        ("CN", ""), ("CN", String(repeating: "x", count: 65)), ("C", "DEU"), ("C", "ü"), ("serialNumber", "a_b"),
        ("DC", "münchen"), ("emailAddress", "ü@example.com"), ("2.5.4.6", "DEU"),
    ])
    func valuesAgainstTheRules(_ name: String, _ value: String) throws {
        let subject = CertificateTemplate(subject: [(name, value)])
        #expect(try code { try subject.distinguishedName() } == .invalidSubject)
    }

    @Test func lengthCountsCharactersNotOctets() throws {
        let subject = CertificateTemplate(subject: [("CN", String(repeating: "ü", count: 64))])
        #expect(try code { try subject.distinguishedName() } == nil)
    }

    @Test func violationsAreAllowedOnRequest() throws {
        let long = CertificateTemplate(
            subject: [("CN", String(repeating: "x", count: 1000)), ("O", "")],
            allowsViolations: true
        )
        #expect(try long.distinguishedName().count == 2)
    }

    @Test func shortNamesIgnoreCase() throws {
        let name = try CertificateTemplate(subject: [("cn", "a"), ("SERIALNUMBER", "b")]).distinguishedName()
        #expect(name.rfc4514 == "serialNumber=b,CN=a")
    }

    @Test(arguments: [
        ("plain", "CN=plain"), ("a,b", #"CN=a\,b"#), ("a+b=c", #"CN=a\+b=c"#), ("#x#", "CN=\\#x#"),
        (" x ", #"CN=\ x\ "#), (" ", #"CN=\ "#), (#"a"b\c"#, #"CN=a\"b\\c"#), ("<a;b>", #"CN=\<a\;b\>"#),
        ("a\nb", #"CN=a\0ab"#), ("a\u{0}b", #"CN=a\00b"#), ("a\u{202E}b", #"CN=a\e2\80\aeb"#), ("Zähler", "CN=Zähler"),
    ])
    func rfc4514Escapes(_ value: String, _ expected: String) throws {
        #expect(try CertificateTemplate(subject: [("CN", value)]).distinguishedName().rfc4514 == expected)
    }

    @Test func rfc4514OrderAndUnknownTypes() throws {
        let name = try CertificateTemplate(
            subject: [("C", "DE"), ("O", "Example"), ("1.3.6.1.4.1.99999.1", "v"), ("CN", "m1")]
        ).distinguishedName()
        #expect(name.rfc4514 == "CN=m1,1.3.6.1.4.1.99999.1=#0c0176,O=Example,C=DE")
    }

    @Test func rfc4514JoinsAComponentOfSeveralAttributes() throws {
        let component = RelativeDistinguishedName([
            try .init(name: "CN", value: "a", enforcesBounds: true),
            try .init(name: "UID", value: "b", enforcesBounds: true),
        ])
        #expect(["CN=a+UID=b", "UID=b+CN=a"].contains(DistinguishedName([component]).rfc4514))
    }
}
