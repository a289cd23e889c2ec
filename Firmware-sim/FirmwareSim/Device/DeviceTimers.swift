import NIOCore

/// The due times of one device, of which only the nearest needs a timer of the event loop. A few entries: searched, not
/// sorted.
struct DeviceTimers: Sendable {
    private struct Entry: Sendable {
        var timer: DeviceSession.Timer
        var due: NIODeadline
    }

    private var entries: [Entry] = []

    /// When the nearest is due; nil if there is none.
    var next: NIODeadline? { entries.lazy.map(\.due).min() }

    /// Replaces the entry of the same name.
    mutating func arm(_ timer: DeviceSession.Timer, at due: NIODeadline) {
        let entry = Entry(timer: timer, due: due)
        if let index = entries.firstIndex(where: { $0.timer == timer }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    mutating func cancelAll() {
        entries.removeAll(keepingCapacity: true)
    }

    /// Takes out the one that has been due longest; nil if none is.
    mutating func popDue(now: NIODeadline) -> DeviceSession.Timer? {
        var found: Int?
        for (index, entry) in entries.enumerated() where entry.due <= now {
            if let best = found, entries[best].due <= entry.due { continue }
            found = index
        }
        return found.map { entries.remove(at: $0).timer }
    }
}
