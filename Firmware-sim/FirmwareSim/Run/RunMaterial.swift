import NIOCore

/// What all event loops of a run know: made once, never changed.
final class RunMaterial: Sendable {
    let plan: RunPlan
    let outline: [StageOutline]
    /// Of the whole run, those of other shards too.
    let devices: [SimulatedDevice]
    let target: SocketAddress
    let sources: SourceAddresses
    /// By the fleet's place in the plan.
    let settings: [DeviceSettings]
    let lapTime: TimeAmount
    /// When figures begin to count, from the first intended start: at the first stage that is not warm-up.
    let measuredFrom: TimeAmount
    /// Issues a device's next credential; nil: none can be issued. Takes milliseconds.
    let renew: (@Sendable (SimulatedDevice) throws -> DeviceCredential)?
    /// The places of each fleet's devices in ``devices``.
    private let places: [String: Range<Int>]

    init(
        plan: RunPlan, outline: [StageOutline], devices: [SimulatedDevice], target: SocketAddress,
        sources: SourceAddresses, lapTime: TimeAmount,
        renew: (@Sendable (SimulatedDevice) throws -> DeviceCredential)?
    ) {
        self.plan = plan
        self.outline = outline
        self.devices = devices
        self.target = target
        self.sources = sources
        self.settings = plan.fleets.map { plan.settings(for: $0) }
        self.lapTime = lapTime
        self.measuredFrom = outline.first { !$0.isWarmUp }?.start ?? .zero
        self.renew = renew
        var places: [String: Range<Int>] = [:]
        var next = 0
        for fleet in plan.fleets {
            let end = min(devices.count, next + fleet.specification.count)
            places[fleet.name] = next..<end
            next = end
        }
        self.places = places
    }

    /// The local address of a device's connections; nil leaves it to the system. Every shard uses all addresses evenly.
    func source(of device: SimulatedDevice) -> SocketAddress? {
        sources.address(forDevice: device.index / plan.shardCount)
    }

    func count(fleet: String) -> Int { places[fleet]?.count ?? 0 }

    func device(fleet: String, place: Int) -> SimulatedDevice? {
        guard let range = places[fleet], place >= 0, place < range.count else { return nil }
        return devices[range.lowerBound + place]
    }
}
