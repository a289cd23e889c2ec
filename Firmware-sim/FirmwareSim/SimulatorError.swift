/// A reason for which a run cannot be started or carried on, as opposed to a failure of one device, which is a
/// ``FailureReason`` and part of the result.
struct SimulatorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who has to change something.
    enum Fault: String, Sendable {
        /// The options given on the command line.
        case options
        /// A file named by an option, or the cache.
        case file
        /// This machine: descriptors, processes, memory.
        case machine
    }

    /// A stable kebab-case code, for scripts and tests.
    let code: String
    let fault: Fault
    /// One sentence for a person, with the value at fault and what would be right.
    let explanation: String

    var description: String { "\(explanation) [\(code)]" }

    static func options(_ code: String, _ explanation: String) -> SimulatorError {
        SimulatorError(code: code, fault: .options, explanation: explanation)
    }

    static func file(_ code: String, _ explanation: String) -> SimulatorError {
        SimulatorError(code: code, fault: .file, explanation: explanation)
    }

    static func machine(_ code: String, _ explanation: String) -> SimulatorError {
        SimulatorError(code: code, fault: .machine, explanation: explanation)
    }
}
