/// One of several processes that share a run: device i of the whole fleet belongs to shard `i % count + 1`. All have the
/// same devices, seed, stages and timetable; numbers in flight are divided.
struct Shard: Sendable, Equatable, CustomStringConvertible {
    /// From 1.
    let index: Int
    let count: Int

    /// - Throws: ``SimulatorError`` if there is no such shard.
    init(index: Int, count: Int) throws(SimulatorError) {
        guard (1...SimulatorLimits.shardsMax).contains(count), (1...count).contains(index) else {
            throw .options(
                "bad-shard", "--shard \(index)/\(count): I/N goes from 1/N to N/N, N up to \(SimulatorLimits.shardsMax)"
            )
        }
        self.index = index
        self.count = count
    }

    /// Reads `2/4`.
    init(option text: String) throws(SimulatorError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Self.number(parts[0]), let count = Self.number(parts[1]) else {
            throw .options("bad-shard", "--shard '\(text)' is not I/N, such as 2/4")
        }
        try self.init(index: index, count: count)
    }

    var description: String { "\(index)/\(count)" }

    func has(device index: Int) -> Bool { index % count == self.index - 1 }

    /// How many of so many devices belong to the shard; all of them without one.
    static func count(of devices: Int, shard: Shard?) -> Int {
        guard let shard else { return devices }
        return devices / shard.count + (devices % shard.count >= shard.index ? 1 : 0)
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
