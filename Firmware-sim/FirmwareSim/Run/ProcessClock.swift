import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Processor time by way of `/proc`: user and system time so far in seconds, to a hundredth (`utime` and `stime` of
/// proc(5)); nil if there is no such process, or its line is not as documented.
enum ProcessClock {
    /// Of all threads of a process, those that have ended too.
    static func processorSeconds(ofProcess processID: Int32) -> Double? {
        processorSeconds(statFile: "/proc/\(processID)/stat")
    }

    /// Of this process.
    static func ownProcessorSeconds() -> Double {
        processorSeconds(statFile: "/proc/self/stat") ?? 0
    }

    /// Of the calling thread.
    static func threadProcessorSeconds() -> Double {
        processorSeconds(statFile: "/proc/thread-self/stat") ?? 0
    }

    private static func processorSeconds(statFile: String) -> Double? {
        guard let line = try? String(contentsOfFile: statFile, encoding: .utf8) else { return nil }
        return processorSeconds(statLine: line, ticksPerSecond: Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }

    static func processorSeconds(statLine line: String, ticksPerSecond: Double) -> Double? {
        // The second field is the program's name in parentheses and may hold anything, parentheses too.
        guard let nameEnd = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: nameEnd)...].split(separator: " ")
        // Fields 14 and 15, counted from 1; the first two are gone.
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return (Double(user) + Double(system)) / ticksPerSecond
    }
}
