import CProcess
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Processor time and memory of processes by way of `/proc` (proc(5)); nil if there is no such process, or its line is
/// not as documented. Reads files: not for event loops, but for ``threadProcessorSeconds()``.
enum ProcessClock {
    /// User and system time so far, of all threads of a process, those that have ended too; to a hundredth of a second.
    static func processorSeconds(ofProcess processID: Int32) -> Double? {
        processorSeconds(statFile: "/proc/\(processID)/stat")
    }

    /// Of this process.
    static func ownProcessorSeconds() -> Double {
        processorSeconds(statFile: "/proc/self/stat") ?? 0
    }

    /// Of the calling thread, without a file.
    static func threadProcessorSeconds() -> Double {
        Double(threadProcessorNanoseconds()) / 1e9
    }

    /// Of the calling thread (`CLOCK_THREAD_CPUTIME_ID`); 0 where there is no such clock.
    static func threadProcessorNanoseconds() -> Int64 {
        Int64(clamping: firmware_sim_thread_processor_nanoseconds())
    }

    /// What a process holds in memory at the moment.
    static func residentBytes(ofProcess processID: Int32) -> UInt64? {
        residentBytes(statmFile: "/proc/\(processID)/statm")
    }

    static func ownResidentBytes() -> UInt64? {
        residentBytes(statmFile: "/proc/self/statm")
    }

    private static func residentBytes(statmFile: String) -> UInt64? {
        guard let line = try? String(contentsOfFile: statmFile, encoding: .utf8) else { return nil }
        return residentBytes(statmLine: line, pageBytes: UInt64(max(1, sysconf(Int32(_SC_PAGESIZE)))))
    }

    static func residentBytes(statmLine line: String, pageBytes: UInt64) -> UInt64? {
        let fields = line.split(whereSeparator: \.isWhitespace)
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return nil }
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageBytes)
        return overflow ? nil : bytes
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
