import Testing

@testable import FirmwareSim

@Suite struct TextTemplateTests {
    static let everything = FleetSpecification.topicVariables

    @Test(
        arguments: [
            ("meter", "meter"), ("", ""), ("{n}", "1234"), ("{n:06}", "001234"), ("{n:2}", "1234"), ("{n%10}", "4"),
            ("{n%10:03}", "004"), ("{n/100}", "12"), ("{n/100%7}", "5"), ("{n+5000}", "6234"), ("{n-1}", "1233"),
            ("{n-2000}", "0"), ("{fleet}/{device}", "meters/meter-7"), ("{client}", "c-7"), ("{O}", "Elbe Netz"),
            ("{OU}", ""), ("{{n}}", "{n}"), ("a{{{n}}}b", "a{1234}b"), ("ü{n}ß", "ü1234ß"),
        ])
    func renders(template: String, expected: String) throws {
        let values = TemplateValues(
            number: 1_234, fleet: "meters", device: "meter-7", client: "c-7", attributes: [.organization: "Elbe Netz"])
        #expect(try TextTemplate(template, allowing: Self.everything).render(values) == expected)
    }

    @Test(
        arguments: [
            "{", "}", "{}", "{n", "{n:", "{n:}", "{n:6", "{n:0}", "{n:21}", "{n%0}", "{n/0}", "{n%}", "{n+}", "{n%x}",
            "{n*2}", "{n }", "{ n}", "{m}", "{device", "{device:06}", "{device%2}", "a}b", "{n}}", "{{n}",
            "{n%1000000000}",
            "{n:٣}", "{N}", "{n%-1}",
        ])
    func refuses(template: String) {
        #expect { try TextTemplate(template, allowing: Self.everything) } throws: {
            ($0 as? SimulatorError)?.code == "bad-template"
        }
    }

    @Test func refusesVariablesThatAreNotKnownThere() {
        #expect(throws: SimulatorError.self) { try TextTemplate("{device}", allowing: [.number]) }
    }

    @Test func refusesWhatIsTooLong() {
        #expect { try TextTemplate(String(repeating: "x", count: 1_025), allowing: []) } throws: {
            ($0 as? SimulatorError)?.code == "template-too-long"
        }
    }

    @Test func namesTheColumnOfAMistake() {
        #expect { try TextTemplate("abc{q}", allowing: [.number]) } throws: {
            ($0 as? SimulatorError)?.explanation.contains("column 4") == true
        }
    }

    @Test func knowsWhetherDevicesDiffer() throws {
        #expect(try TextTemplate("x-{n}", allowing: [.number]).dependsOnDevice)
        #expect(try !TextTemplate("x-{fleet}", allowing: [.fleet]).dependsOnDevice)
    }
}

@Suite struct SubjectTemplateTests {
    @Test func rendersInTheOrderGiven() throws {
        let template = try SubjectTemplate("O=Elbe Netz, ou=site-{n%10} ,CN=meter-{n:06}")
        let subject = try template.render(TemplateValues(number: 42, fleet: "m"))
        #expect(subject.text == "O=Elbe Netz,OU=site-2,CN=meter-000042")
        #expect(subject.commonName == "meter-000042")
        #expect(subject.values[.organizationalUnit] == "site-2")
    }

    @Test func escapesAreCharacters() throws {
        let subject = try SubjectTemplate(#"O=Elbe\, Netz\=x\\y,CN=a"#).render(TemplateValues(number: 1, fleet: "m"))
        #expect(subject.values[.organization] == #"Elbe, Netz=x\y"#)
    }

    @Test(
        arguments: [
            "", ",", "CN", "CN=", "CN= ", "=x", "O=x", "CN=a,CN=b", "XX=a,CN=b", "CN=a,", ",CN=a", "CN=a,,O=b",
            #"CN=a\"#, #"CN=a\b"#, "CN={device}", "CN={n", "CN;O=x",
        ])
    func refuses(subject: String) {
        #expect(throws: SimulatorError.self) { try SubjectTemplate(subject) }
    }

    @Test func refusesAValueOverTheBoundOfX520() throws {
        let template = try SubjectTemplate("CN=" + String(repeating: "x", count: 63) + "{n}")
        #expect(try template.render(TemplateValues(number: 9, fleet: "m")).commonName.count == 64)
        #expect { try template.render(TemplateValues(number: 10, fleet: "m")) } throws: {
            ($0 as? SimulatorError)?.code == "subject-too-long"
        }
    }
}
