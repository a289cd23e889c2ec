import AllocationCount

/// Times of one call, over batches of calls: time of the processor, so that other programs disturb it little.
struct Measurement {
    /// Nanoseconds of one call: the median of the batches.
    let median: Double
    /// Nanoseconds of one call in the slowest hundredth of the batches.
    let p99: Double
    /// Calls of `malloc` for one call; the number is exact but for what other threads do, and there are none.
    let allocations: Double

    /// Runs batches of calls. `batch` makes as many calls as it is told, and returns something that depends on their
    /// work, so that the work cannot be left out.
    static func of(batches: Int = 300, calls: Int = 2_000, _ batch: (_ calls: Int) -> Int) -> Measurement {
        var times: [Double] = []
        times.reserveCapacity(batches)
        var sum = 0
        sum &+= batch(calls)
        var allocations = 0
        for _ in 0..<batches {
            let before = Int(allocation_count())
            let start = thread_cpu_nanoseconds()
            sum &+= batch(calls)
            let elapsed = thread_cpu_nanoseconds() - start
            allocations += Int(allocation_count()) - before
            times.append(Double(elapsed) / Double(calls))
        }
        keep(sum)
        times.sort()
        return Measurement(
            median: times[times.count / 2], p99: times[times.count * 99 / 100],
            allocations: Double(allocations) / Double(batches * calls))
    }

    /// Uses a value where the compiler does not see it.
    @inline(never)
    private static func keep(_ value: Int) {
        if value == Int.min { print(value) }
    }
}

/// Seconds for which the program has computed. It has one thread, so on an idle machine they are those of the clock.
func processorSeconds() -> Double { Double(thread_cpu_nanoseconds()) / 1e9 }
