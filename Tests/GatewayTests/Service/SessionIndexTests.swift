internal import FleetPolicy
internal import Testing

@testable internal import Gateway

@Suite("SessionIndex")
struct SessionIndexTests {
    private func key(_ number: Int) -> DeviceKey { DeviceKey(tenant: "t", deviceID: "d\(number)") }

    @Test("sessions of a device come and go")
    func comeAndGo() {
        var index = SessionIndex()
        #expect(index[self.key(1)] == [])
        for session in UInt64(1)...3 { index.add(session, of: self.key(1)) }
        #expect(index[self.key(1)] == [1, 2, 3])
        index.remove(2, of: self.key(1))
        index.remove(2, of: self.key(1))
        index.remove(9, of: self.key(1))
        index.remove(1, of: self.key(2))
        #expect(index[self.key(1)] == [1, 3])
        index.remove(1, of: self.key(1))
        #expect(index[self.key(1)] == [3])
        index.remove(3, of: self.key(1))
        #expect(index.deviceCount == 0)
    }

    @Test("the sessions of many devices, whichever side is larger", arguments: [1, 10, 1_000])
    func many(changed: Int) {
        var index = SessionIndex()
        for number in 0..<100 { index.add(UInt64(number), of: self.key(number)) }
        let keys = Set((50..<50 + changed).map { self.key($0) })
        let expected = Set((50..<min(100, 50 + changed)).map { UInt64($0) })
        #expect(Set(index.sessions(of: keys)) == expected)
    }
}
