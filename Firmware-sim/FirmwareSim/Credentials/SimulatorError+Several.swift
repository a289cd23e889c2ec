extension SimulatorError {
    /// All mistakes at once: an operator should not have to find them one by one.
    ///
    /// - Returns: The only one itself; several under the code `several-mistakes`, each in a line of its own with its code;
    ///   nil for none.
    static func all(of mistakes: [SimulatorError]) -> SimulatorError? {
        guard let first = mistakes.first else { return nil }
        guard mistakes.count > 1 else { return first }
        let isFile = mistakes.allSatisfy { $0.fault == .file }
        return SimulatorError(
            code: "several-mistakes", fault: isFile ? .file : .options,
            explanation: "\(mistakes.count) mistakes, nothing was done:"
                + mistakes.map { "\n  * \($0.description)" }.joined() + "\n ")
    }
}
