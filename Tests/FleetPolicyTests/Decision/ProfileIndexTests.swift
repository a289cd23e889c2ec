import Testing

@testable import FleetPolicy

/// The index finds exactly what trying every profile finds.
@Suite struct ProfileIndexTests {
    private func summary(_ selection: ProfileSet.Selection) -> String {
        switch selection {
        case .none: "none"
        case .chosen(let profile, let captured):
            "\(profile.name) \(captured.values.map { String(decoding: $0, as: UTF8.self) })"
        case .ambiguous(let rank, let clash): "ambiguous \(rank) \(clash.map(\.profile.name))"
        }
    }

    @Test(arguments: 0..<20) func agreesWithTryingAll(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let words = ["a", "b", "ab", "abc", "a-", "1", "12"]
        func word() -> String { words.randomElement(using: &random) ?? "a" }
        func pattern(_ name: String) -> String {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: word()
            case 1: word() + "{\(name)}"
            case 2: "{\(name):digits}" + word()
            case 3: "{\(name)}"
            case _: word() + "{\(name):slug(1-2)}"
            }
        }
        var documents: [DeviceProfileDocument] = []
        let mistakes = MistakeCollector()
        for index in 0..<60 {
            var subject = ["CN: \"\(word()){id}\""]
            for type in ["O", "OU", "L"] where Bool.random(using: &random) {
                subject.append("\(type): \"\(pattern(type.lowercased()))\"")
            }
            var more = ""
            switch Int.random(in: 0..<9, using: &random) {
            case 0: more = ", san: { dns: \"\(pattern("dns"))\" }"
            case 1: more = ", listener: \(word())"
            case 2: more = ", sni: \"\(pattern("sni"))\""
            case 3: more = ", trust-anchor: \"CN=Test Root,O=Test\""
            case 4: more = ", policy: [1.2.\(Int.random(in: 1...3, using: &random)), 1.3.1]"
            case 5: more = ", tls-version: \"1.3\""
            case _: break
            }
            let cn = Bool.random(using: &random) ? subject.joined(separator: ", ") : "CN: \"{id}\""
            let yaml =
                "profile: p\(index)\npriority: \(Int.random(in: 0..<3, using: &random))\n"
                + "match: { subject: { \(cn) }\(more) }\ndevice: \"{id}\"\n"
            if let document = DeviceProfileDocument.read(try sourceNode(yaml), reporting: mistakes) {
                documents.append(document)
            }
        }
        // Without the checks between profiles: overlaps are wanted here.
        let profiles = documents.compactMap { document in
            document.match.flatMap { MatchCompiler.compile($0, reporting: mistakes) }.flatMap {
                GrantCompiler(document: document, match: $0, mistakes: mistakes).compile(profilesByName: [:])
            }
        }
        #expect(profiles.count == 60)
        let set = ProfileSet(revision: 1, profiles: profiles)
        var kinds: Set<String> = []
        for _ in 0..<400 {
            var names = [(type: "CN", value: word() + word())]
            for type in ["O", "OU", "L", "OU"] where Bool.random(using: &random) {
                names.append((type, word() + word()))
            }
            let subject = try #require(DistinguishedName(attributes: names))
            let certificate = CertificateAttributes(
                subject: subject, issuer: subject, subjectAlternativeNames: [.dns(word() + word()), .dns(word())],
                serialNumber: [1], sha256Fingerprint: [], notBefore: 0, notAfter: 1,
                policyOIDs: ["1.2.\(Int.random(in: 1...4, using: &random))"])
            let circumstances = ConnectionCircumstances.usual.with {
                $0.listener = word()
                $0.serverName = word() + word()
            }
            let context = MatchContext(certificate, circumstances, readsServerName: set.readsServerName)
            let found = summary(set.select(context))
            #expect(found == summary(set.selectTryingAll(context)))
            kinds.insert(String(found.prefix(4)))
        }
        #expect(kinds.contains("ambi"))
    }
}
