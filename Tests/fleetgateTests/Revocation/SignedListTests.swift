import FleetPKI
import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct SignedListTests {
    private func reading(_ contents: [UInt8], _ authorities: [AuthorityCertificate]) -> ListReading {
        var known = KnownAuthorities()
        for authority in authorities { known.insert(authority) }
        return ListReading(contents, issuers: known)
    }

    @Test func readsDERAndPEM() throws {
        let (one, other) = (try ListingCA("One"), try ListingCA("Other"))
        let (first, second) = (try one.list(["0a"]), try other.list(["0b", "0c"], number: 300))
        let authorities = [try one.certificate, try other.certificate]
        let der = reading(first, authorities)
        #expect(der.lists.map(\.list.issuer) == [try one.id])
        #expect(der.lists.first?.list.entries[[0x0A]]?.reason == .keyCompromise)
        let pem = reading(Array("text\n".utf8) + PEMText.list(first) + PEMText.list(second), authorities)
        #expect(pem.lists.map(\.list.issuer) == [try one.id, try other.id])
        #expect(pem.lists.last?.list.number == [1, 44])
        #expect(pem.problem == nil)
    }

    @Test func namesakesAreToldByTheirKeys() throws {
        let real = try ListingCA("Twin")
        let twin = ListingCA(try real.authority.makeNamesake())
        let list = try twin.list(["01"])
        #expect(reading(list, [try real.certificate]).problem?.reason == "wrong-issuer")
        let both = reading(list, [try real.certificate, try twin.certificate])
        #expect(both.lists.map(\.list.issuer) == [try twin.id])
        #expect(try real.id != twin.id)
    }

    @Test func aListOfNobodyIsNotTaken() throws {
        let (one, other) = (try ListingCA("One"), try ListingCA("Other"))
        let list = try other.list()
        #expect(reading(list, [try one.certificate]).problem?.reason == "unknown-issuer")
        #expect(reading(list, []).problem?.reason == "unknown-issuer")
        // Beside one that is taken, it is somebody else's.
        let mixed = reading(PEMText.list(list) + PEMText.list(try one.list()), [try one.certificate])
        #expect(mixed.lists.count == 1)
        #expect(mixed.problem == nil)
    }

    @Test func aChangedListIsNotTaken() throws {
        let one = try ListingCA()
        let list = try one.list(["0a0b0c"])
        let authorities = [try one.certificate]
        var changed = 0
        for position in stride(from: 0, to: list.count, by: 3) {
            var copy = list
            copy[position] ^= 1
            #expect(reading(copy, authorities).lists.isEmpty)
            changed += 1
        }
        #expect(changed > 50)
        for length in [0, 1, 10, list.count - 1] {
            #expect(reading(Array(list.prefix(length)), authorities).lists.isEmpty)
            #expect(reading(Array(list.prefix(length)), authorities).problem != nil)
        }
    }

    @Test func labelsAreSafe() throws {
        let wild = try ListingCA("a\"} 1\nb\u{202E}ü" + String(repeating: "x", count: 50)).certificate
        #expect(wild.label.utf8.count <= 49)
        #expect(
            wild.label.utf8.allSatisfy {
                $0 == 45 || $0 == 46 || $0 == 95 || (48...57).contains($0) || (65...122).contains($0)
            })
        #expect(try ListingCA("Elbe.Netz-1").certificate.label.hasPrefix("Elbe.Netz-1-"))
        #expect(throws: PKIError.self) { try AuthorityCertificate(der: [1, 2, 3], bundle: "x") }
    }
}
