import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct OCSPAnswerCacheTests {
    private func key(_ number: UInt8, bundle: String = "field") throws -> OCSPAnswerCache.Key {
        let issuer = try #require(AuthorityID(Array(repeating: 1, count: 32)))
        return .init(certificate: CertificateID(issuer: issuer, serialNumber: [number]), bundle: bundle)
    }

    private func entry(_ until: Int64) -> OCSPAnswerCache.Entry {
        .init(standing: .good, usableUntil: until, refreshAt: 0, responder: nil)
    }

    @Test func forgetsTheOneUsedLongestAgo() throws {
        var cache = OCSPAnswerCache(entriesMax: 3)
        for number: UInt8 in 1...3 { cache.insert(entry(Int64(number)), for: try key(number)) }
        _ = cache.entry(try key(1))
        cache.insert(entry(4), for: try key(4))
        #expect(cache.entry(try key(2)) == nil)
        cache.insert(entry(30), for: try key(3))
        cache.insert(entry(5), for: try key(5))
        #expect(cache.entry(try key(1)) == nil)
        #expect(cache.entry(try key(3))?.usableUntil == 30)
        #expect(cache.entry(try key(4))?.usableUntil == 4)
        #expect(cache.count == 3)
    }

    @Test func holdsOne() throws {
        var cache = OCSPAnswerCache(entriesMax: 0)
        for number: UInt8 in 1...9 {
            cache.insert(entry(Int64(number)), for: try key(number))
            #expect(cache.entry(try key(number))?.usableUntil == Int64(number))
            #expect(cache.entry(try key(number - 1)) == nil)
        }
    }

    @Test func keepsBundlesApart() throws {
        var cache = OCSPAnswerCache(entriesMax: 9)
        cache.insert(entry(1), for: try key(1, bundle: "one"))
        #expect(cache.entry(try key(1, bundle: "two")) == nil)
    }

    /// Against the plainest thing that does the same.
    @Test func isWhatAListWouldBe() throws {
        var cache = OCSPAnswerCache(entriesMax: 5)
        var list: [UInt8] = []
        for _ in 0..<5000 {
            let number = UInt8.random(in: 0...9)
            if Bool.random() {
                cache.insert(entry(Int64(number)), for: try key(number))
                list.removeAll { $0 == number }
                list.append(number)
                if list.count > 5 { list.removeFirst() }
            } else {
                #expect((cache.entry(try key(number)) != nil) == list.contains(number))
                if list.contains(number) {
                    list.removeAll { $0 == number }
                    list.append(number)
                }
            }
        }
    }
}
