internal import FleetPolicy
internal import Testing

@testable internal import Gateway

@Suite("SessionIndex")
struct SessionIndexTests {
    private func key(_ number: Int) -> DeviceKey { DeviceKey(tenant: "t", deviceID: "d\(number)") }

    @Test("sessions of a key come and go")
    func comeAndGo() {
        var index = SessionIndex<DeviceKey>()
        #expect(index[self.key(1)] == [])
        for session in UInt64(1)...3 { index.add(session, to: self.key(1)) }
        index.add(3, to: self.key(1))
        #expect(index[self.key(1)].sorted() == [1, 2, 3])
        index.remove(2, from: self.key(1))
        index.remove(2, from: self.key(1))
        index.remove(9, from: self.key(1))
        index.remove(1, from: self.key(2))
        #expect(index[self.key(1)].sorted() == [1, 3])
        index.remove(1, from: self.key(1))
        #expect(index[self.key(1)] == [3])
        index.add(3, to: self.key(1))
        #expect(index[self.key(1)] == [3])
        index.remove(4, from: self.key(1))
        index.remove(3, from: self.key(1))
        #expect(index.keyCount == 0)
    }

    @Test("the key that is kept stands for all that are equal to it")
    func kept() {
        var index = SessionIndex<String>()
        let first = String("a") + "b"
        #expect(index.kept("ab") == nil)
        index.add(1, to: first)
        #expect(index.kept("ab") == first)
    }

    @Test("the sessions of many keys, whichever side is larger", arguments: [1, 10, 1_000])
    func many(changed: Int) {
        var index = SessionIndex<DeviceKey>()
        for number in 0..<100 { index.add(UInt64(number), to: self.key(number)) }
        let keys = Set((50..<50 + changed).map { self.key($0) })
        let expected = Set((50..<min(100, 50 + changed)).map { UInt64($0) })
        #expect(Set(index.sessions(of: keys)) == expected)
    }
}
