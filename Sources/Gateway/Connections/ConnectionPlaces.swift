internal import FleetPolicy

/// Which connections each device has: a value that is told of claims and releases and says what follows.
///
/// A place is claimed, and later released exactly once, whatever came of the claim. One that has to make room is told to
/// end, and keeps its place until it is released: only then the one that comes after it is let in.
struct ConnectionPlaces {
    enum Effect: Sendable, Hashable {
        case answer(ConnectionReference, ConnectionClaim.Answer)
        /// Another connection of the device takes its place.
        case end(ConnectionReference)
    }

    private struct Place {
        let connection: ConnectionReference
        let clientIdentifier: String
        let maximum: Int
        var isLetIn = false
        var isEnding = false
    }

    /// In the order in which they came. No device is in it without a place.
    private var devices: [DeviceKey: [Place]] = [:]

    /// Devices with a place.
    var deviceCount: Int { self.devices.count }

    mutating func claim(_ claim: ConnectionClaim, by connection: ConnectionReference) -> [Effect] {
        var places = self.devices[claim.key] ?? []
        guard !places.contains(where: { $0.connection == connection }) else { return [] }
        var effects: [Effect] = []
        if claim.takesOverOwnName {
            effects += Self.makeRoom(in: &places, 1) {
                $0.clientIdentifier.utf8.elementsEqual(claim.clientIdentifier.utf8)
            }
        }
        let excess = places.count { !$0.isEnding } - max(1, claim.maximum) + 1
        if excess > 0 {
            switch claim.onExceeded {
            case .refuse: return [.answer(connection, .refused)]
            case .takeOver: effects += Self.makeRoom(in: &places, excess) { _ in true }
            }
        }
        places.append(
            Place(connection: connection, clientIdentifier: claim.clientIdentifier, maximum: max(1, claim.maximum))
        )
        effects += Self.letIn(&places)
        self.devices[claim.key] = places
        return effects
    }

    /// A connection is over. One that has no place is ignored.
    mutating func release(_ connection: ConnectionReference, of key: DeviceKey) -> [Effect] {
        guard var places = self.devices[key],
            let index = places.firstIndex(where: { $0.connection == connection })
        else { return [] }
        places.remove(at: index)
        let effects = Self.letIn(&places)
        self.devices[key] = places.isEmpty ? nil : places
        return effects
    }

    /// Marks the oldest `count` that fit as ending.
    private static func makeRoom(in places: inout [Place], _ count: Int, _ fits: (Place) -> Bool) -> [Effect] {
        var effects: [Effect] = []
        for index in places.indices where !places[index].isEnding && fits(places[index]) {
            guard effects.count < count else { break }
            places[index].isEnding = true
            effects.append(.end(places[index].connection))
        }
        return effects
    }

    /// Lets in whoever waits and has room, the oldest first.
    private static func letIn(_ places: inout [Place]) -> [Effect] {
        var effects: [Effect] = []
        for index in places.indices where !places[index].isLetIn && !places[index].isEnding {
            let waiting = places[index]
            let isNameTaken = places.contains {
                $0.isLetIn && $0.clientIdentifier.utf8.elementsEqual(waiting.clientIdentifier.utf8)
            }
            guard !isNameTaken, places.count(where: { $0.isLetIn }) < waiting.maximum else { continue }
            places[index].isLetIn = true
            effects.append(.answer(waiting.connection, .granted))
        }
        return effects
    }
}
