internal import FleetPolicy
internal import Testing

@testable internal import Gateway

@Suite("ConnectionPlaces")
struct ConnectionPlacesTests {
    private static let key = DeviceKey(tenant: "t", deviceID: "d")

    private func connection(_ id: UInt64) -> ConnectionReference { ConnectionReference(id: id, loop: 0) }

    private func claim(
        _ name: String = "d", maximum: Int = 1, _ onExceeded: ConnectionLimit.ExceededAction = .takeOver,
        extends: Bool = false, key: DeviceKey = key
    ) -> ConnectionClaim {
        ConnectionClaim(
            key: key, clientIdentifier: name, maximum: maximum, onExceeded: onExceeded, takesOverOwnName: extends)
    }

    @Test("the first one comes in at once, and nothing is left of it when it is over")
    func first() {
        var places = ConnectionPlaces()
        #expect(places.claim(self.claim(), by: self.connection(1)) == [.answer(self.connection(1), .granted)])
        #expect(places.deviceCount == 1)
        #expect(places.release(self.connection(1), of: Self.key) == [])
        #expect(places.deviceCount == 0)
    }

    @Test("take over: the old one is told to end, and only when it has the new one comes in")
    func takeOver() {
        var places = ConnectionPlaces()
        _ = places.claim(self.claim(), by: self.connection(1))
        #expect(places.claim(self.claim(), by: self.connection(2)) == [.end(self.connection(1))])
        #expect(places.release(self.connection(1), of: Self.key) == [.answer(self.connection(2), .granted)])
        #expect(places.release(self.connection(1), of: Self.key) == [])
        _ = places.release(self.connection(2), of: Self.key)
        #expect(places.deviceCount == 0)
    }

    @Test("refuse: the old one stays, and the new one leaves nothing behind")
    func refuse() {
        var places = ConnectionPlaces()
        _ = places.claim(self.claim("d", .refuse), by: self.connection(1))
        #expect(
            places.claim(self.claim("d", .refuse), by: self.connection(2)) == [.answer(self.connection(2), .refused)])
        #expect(places.release(self.connection(2), of: Self.key) == [], "it had no place")
        _ = places.release(self.connection(1), of: Self.key)
        #expect(
            places.claim(self.claim("d", .refuse), by: self.connection(3)) == [.answer(self.connection(3), .granted)])
    }

    @Test("one that waits is taken over too, and never comes in")
    func waitingTakenOver() {
        var places = ConnectionPlaces()
        _ = places.claim(self.claim(), by: self.connection(1))
        _ = places.claim(self.claim(), by: self.connection(2))
        #expect(places.claim(self.claim(), by: self.connection(3)) == [.end(self.connection(2))])
        #expect(places.release(self.connection(1), of: Self.key) == [.answer(self.connection(3), .granted)])
        #expect(places.release(self.connection(2), of: Self.key) == [])
    }

    @Test("one that ends while it waits makes nobody wait for it")
    func endsWhileWaiting() {
        var places = ConnectionPlaces()
        _ = places.claim(self.claim(), by: self.connection(1))
        _ = places.claim(self.claim(), by: self.connection(2))
        #expect(places.release(self.connection(2), of: Self.key) == [])
        #expect(places.release(self.connection(1), of: Self.key) == [])
        #expect(places.deviceCount == 0)
    }

    @Test("of several the oldest goes")
    func oldest() {
        var places = ConnectionPlaces()
        for id in UInt64(1)...3 {
            _ = places.claim(self.claim("d-\(id)", maximum: 3, extends: true), by: self.connection(id))
        }
        #expect(
            places.claim(self.claim("d-4", maximum: 3, extends: true), by: self.connection(4)) == [
                .end(self.connection(1))
            ])
        #expect(
            places.claim(self.claim("d-5", maximum: 3, extends: true), by: self.connection(5)) == [
                .end(self.connection(2))
            ])
        #expect(places.release(self.connection(2), of: Self.key) == [.answer(self.connection(4), .granted)])
        #expect(places.release(self.connection(1), of: Self.key) == [.answer(self.connection(5), .granted)])
    }

    @Test("the same client identifier takes over exactly its own connection, even where one more is refused")
    func ownName() {
        for action in ConnectionLimit.ExceededAction.allCases {
            var places = ConnectionPlaces()
            for id in UInt64(1)...2 {
                _ = places.claim(self.claim("d-\(id)", maximum: 2, action, extends: true), by: self.connection(id))
            }
            #expect(
                places.claim(self.claim("d-2", maximum: 2, action, extends: true), by: self.connection(3))
                    == [.end(self.connection(2))])
            #expect(places.release(self.connection(2), of: Self.key) == [.answer(self.connection(3), .granted)])
        }
    }

    @Test("a free place does not help a name that is still in use at the broker")
    func nameInUse() {
        var places = ConnectionPlaces()
        _ = places.claim(self.claim("d-1", maximum: 9, extends: true), by: self.connection(1))
        #expect(
            places.claim(self.claim("d-1", maximum: 9, extends: true), by: self.connection(2))
                == [.end(self.connection(1))])
        #expect(
            places.claim(self.claim("d-2", maximum: 9, extends: true), by: self.connection(3))
                == [.answer(self.connection(3), .granted)])
    }

    @Test("a limit that was lowered makes room for itself")
    func lowered() {
        var places = ConnectionPlaces()
        for id in UInt64(1)...4 {
            _ = places.claim(self.claim("d-\(id)", maximum: 4, extends: true), by: self.connection(id))
        }
        #expect(
            places.claim(self.claim("d-5", maximum: 2, extends: true), by: self.connection(5))
                == [.end(self.connection(1)), .end(self.connection(2)), .end(self.connection(3))])
        #expect(places.release(self.connection(1), of: Self.key) == [])
        #expect(places.release(self.connection(2), of: Self.key) == [])
        #expect(places.release(self.connection(3), of: Self.key) == [.answer(self.connection(5), .granted)])
    }

    @Test("devices have nothing to do with each other, and strangers have no place")
    func strangers() {
        var places = ConnectionPlaces()
        let other = DeviceKey(tenant: "t", deviceID: "e")
        _ = places.claim(self.claim(), by: self.connection(1))
        #expect(places.claim(self.claim(key: other), by: self.connection(2)) == [.answer(self.connection(2), .granted)])
        #expect(places.release(self.connection(1), of: other) == [])
        #expect(places.release(self.connection(9), of: Self.key) == [])
        #expect(places.claim(self.claim(), by: self.connection(1)) == [], "a second claim of one connection")
        #expect(places.claim(self.claim(maximum: -1), by: self.connection(3)) == [.end(self.connection(1))])
        #expect(places.deviceCount == 2)
    }

    @Test("whatever happens in whatever order, no more come in than may, and nothing is left at the end")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var places = ConnectionPlaces()
            var open: Set<ConnectionReference> = []
            var inside: Set<ConnectionReference> = []
            var next: UInt64 = 0
            let maximum = Int.random(in: 1...3, using: &generator)
            func see(_ effects: [ConnectionPlaces.Effect]) {
                for effect in effects {
                    switch effect {
                    case .answer(let connection, .granted):
                        #expect(open.contains(connection) && inside.insert(connection).inserted)
                    case .answer(let connection, .refused): open.remove(connection)
                    case .end(let connection): #expect(open.contains(connection))
                    }
                }
                #expect(inside.count <= maximum)
            }
            for _ in 0..<40 {
                if Bool.random(using: &generator), let victim = open.randomElement(using: &generator) {
                    open.remove(victim)
                    inside.remove(victim)
                    see(places.release(victim, of: Self.key))
                } else {
                    next += 1
                    open.insert(self.connection(next))
                    let action = ConnectionLimit.ExceededAction.allCases.randomElement(using: &generator) ?? .refuse
                    let name = "d-\(Int.random(in: 0...4, using: &generator))"
                    see(
                        places.claim(
                            self.claim(name, maximum: maximum, action, extends: maximum > 1), by: self.connection(next))
                    )
                }
            }
            for connection in open.sorted(by: { $0.id < $1.id }) {
                inside.remove(connection)
                _ = places.release(connection, of: Self.key)
            }
            #expect(places.deviceCount == 0)
        }
    }
}
