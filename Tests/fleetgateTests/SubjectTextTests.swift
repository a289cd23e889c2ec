import FleetPKI
import Testing

@testable import fleetgate

@Suite struct SubjectTextTests {
    @Test(arguments: [
        ("CN=a", ["CN=a"]),
        ("O=Elbe Netz,OU=site-7,CN=meter-0042", ["O=Elbe Netz", "OU=site-7", "CN=meter-0042"]),
        ("  O = Elbe Netz  ,  CN =  a ", ["O=Elbe Netz", "CN=a"]),
        ("CN=a\\,b", ["CN=a,b"]), ("CN=a\\+b", ["CN=a+b"]), ("CN=\\\"q\\\"", ["CN=\"q\""]), ("CN=a\\\\b", ["CN=a\\b"]),
        ("CN=\\#1", ["CN=#1"]), ("CN=a#1", ["CN=a#1"]), ("CN=\\ a\\ ", ["CN= a "]), ("CN=a=b", ["CN=a=b"]),
        ("CN=L\\C3\\BCbeck", ["CN=Lübeck"]), ("CN=Lübeck", ["CN=Lübeck"]), ("CN=a\\;\\<\\>", ["CN=a;<>"]),
        ("2.5.4.3=a", ["2.5.4.3=a"]), ("cn=a,Cn=b", ["cn=a", "Cn=b"]), ("serialNumber=7", ["serialNumber=7"]),
        ("CN=a\\2Cb", ["CN=a,b"]), ("CN=/etc/passwd", ["CN=/etc/passwd"]),
    ])
    func subjectsAreRead(text: String, attributes: [String]) throws {
        #expect(try SubjectText(parsing: text).attributes.map { "\($0.name)=\($0.value)" } == attributes)
    }

    @Test(arguments: [
        "", "   ", ",", "CN", "CN=", "CN= ", "=a", "CN=a,", "CN=a,,O=b", "CN=a,O", "CN=a\\", "CN=a\\x", "CN=a\\C",
        "CN=\\C3",
        "CN=\\FF", "CN=a+O=b", "CN=\"a\"", "CN=a;O=b", "CN=<a>", "CN=#0c0161", "C N=a", "1-2=a", "é=a", "CN=a\u{0}b",
        "-CN", "CN=a,=b",
    ])
    func whatIsNoSubjectIsRefusedWithAPlace(text: String) {
        #expect(throws: SubjectText.Mistake.self) { try SubjectText(parsing: text) }
    }

    @Test func aVeryLongSubjectIsRefused() {
        #expect(throws: SubjectText.Mistake.self) {
            try SubjectText(parsing: "CN=" + String(repeating: "a", count: 5000))
        }
    }

    @Test(arguments: [
        ("DNS:a.example", AlternativeName.dns("a.example")), ("dns:a", .dns("a")), ("IP:::1", .ip("::1")),
        ("URI:urn:x:1", .uri("urn:x:1")), ("email:a@b", .email("a@b")), ("192.0.2.1", .ip("192.0.2.1")),
        ("2001:db8::1", .ip("2001:db8::1")), ("gw.example", .dns("gw.example")), ("*.example", .dns("*.example")),
    ])
    func alternativeNamesAreRead(text: String, name: AlternativeName) throws {
        #expect(try AlternativeNameText.parse(text) == name)
    }

    @Test(arguments: ["", "IP:x", "IP:", "DNS:", "URI:", "what:x y", "a b", "urn:x:1", "IP:1.2.3"])
    func otherAlternativeNamesAreRefused(text: String) {
        #expect(throws: AlternativeNameText.Mistake.self) { try AlternativeNameText.parse(text) }
    }
}
