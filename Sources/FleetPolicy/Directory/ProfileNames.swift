/// The names of profiles in a directory as small numbers, how many devices each has, and how many of those registered
/// themselves. A name that no device has any more gives its number to the next new one.
struct ProfileNames: Sendable {
    private var numbers: [String: Int] = [:]
    private var names: [String] = []
    private var counts: [Int] = []
    private var selfRegisteredCounts: [Int] = []
    private var free: [Int] = []

    func name(_ number: Int) -> String { names[number] }

    func selfRegisteredCount(of name: String) -> Int { numbers[name].map { selfRegisteredCounts[$0] } ?? 0 }

    /// One more device under the name.
    mutating func add(_ name: String, isSelfRegistered: Bool) -> Int {
        let selfRegistered = isSelfRegistered ? 1 : 0
        if let number = numbers[name] {
            counts[number] += 1
            selfRegisteredCounts[number] += selfRegistered
            return number
        }
        let number: Int
        if let reused = free.popLast() {
            number = reused
            names[number] = name
            counts[number] = 1
            selfRegisteredCounts[number] = selfRegistered
        } else {
            number = names.count
            names.append(name)
            counts.append(1)
            selfRegisteredCounts.append(selfRegistered)
        }
        numbers[name] = number
        return number
    }

    /// One device less under a name.
    mutating func subtract(_ number: Int, isSelfRegistered: Bool) {
        counts[number] -= 1
        if isSelfRegistered { selfRegisteredCounts[number] -= 1 }
        guard counts[number] == 0 else { return }
        numbers[names[number]] = nil
        free.append(number)
    }
}
