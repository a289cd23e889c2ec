public import Foundation
internal import Synchronization

/// A child process of a test: its lines can be awaited while it runs, and it is stopped, by process id, when the test
/// lets go of it.
public final class RunningProcess: Sendable {
    /// What a child has said and how it ended.
    public struct Outcome: Sendable {
        /// The exit status, or 128 plus the signal's number.
        public let status: Int32
        public let standardOutput: String
        public let standardError: String
        /// Both, for messages of failed expectations.
        public var everything: String { self.standardOutput + self.standardError }
    }

    /// Waiting for a line or an end took longer than `patience`: something hangs, and the test says where.
    public struct TimedOut: Error, CustomStringConvertible {
        public let description: String
    }

    /// What was awaited cannot come any more: the process has ended.
    public struct EndedEarly: Error, CustomStringConvertible {
        public let description: String
    }

    /// Bounds every wait, so that a hanging child fails a test instead of blocking the run. Not a performance limit:
    /// generous enough for a loaded machine.
    public static let patience: Duration = .seconds(120)

    private struct State {
        var output = Data()
        var error = Data()
        var lines: [String] = []
        var partialLines: [Stream: Data] = [:]
        var openStreams = 2
        var status: Int32?
        var waiters: [UUID: CheckedContinuation<Void, Never>] = [:]

        var isOver: Bool { self.status != nil && self.openStreams == 0 }
    }

    private enum Stream: Hashable { case output, error }

    /// Writing to a child that has ended is an error value, not the end of the test process.
    private static let ignoresBrokenPipes: Void = {
        _ = Foundation.signal(SIGPIPE, SIG_IGN)
    }()

    private let process: SpawnedProcess
    private let name: String
    private let state = Mutex(State())

    /// Starts `path`, which may be a name to look for in `PATH`, with `arguments`.
    ///
    /// - Parameters:
    ///   - input: Written to its standard input, which is then closed, unless it is to be kept open for `write`.
    ///   - environment: In addition to the test's own.
    ///   - folder: Where it runs; the test's own folder when nil.
    public init(
        _ path: String, _ arguments: [String], input: String? = nil, keepsInputOpen: Bool = false,
        environment: [String: String] = [:], folder: String? = nil
    ) throws {
        _ = Self.ignoresBrokenPipes
        self.name = ([path] + arguments).joined(separator: " ")
        let process = try SpawnedProcess(
            path, arguments, environment: environment, folder: folder, hasInput: input != nil || keepsInputOpen)
        self.process = process
        self.collect(process.output, .output)
        if let error = process.error { self.collect(error, .error) }
        Thread.detachNewThread { [weak self] in
            let status = process.waitUntilEnded()
            self?.change { $0.status = status }
        }
        guard let input else { return }
        try process.input?.write(contentsOf: Data(input.utf8))
        if !keepsInputOpen { try process.input?.close() }
    }

    deinit { self.process.signal(SIGKILL) }

    public var processID: Int32 { self.process.processID }
    public var isRunning: Bool { self.process.isRunning }

    /// What it wrote so far, both streams.
    public var everything: String {
        self.state.withLock { String(decoding: $0.output + $0.error, as: UTF8.self) }
    }

    /// What it wrote to standard output so far.
    public var standardOutput: String { self.state.withLock { String(decoding: $0.output, as: UTF8.self) } }

    /// The complete lines it wrote so far, both streams, in the order they were read.
    public var lines: [String] { self.state.withLock { $0.lines } }

    public func signal(_ number: Int32) { self.process.signal(number) }

    /// Writes to the standard input that was kept open.
    public func write(_ bytes: [UInt8]) throws {
        try self.process.input?.write(contentsOf: Data(bytes))
    }

    /// Waits until something it wrote contains `text`.
    public func waits(for text: String) async throws {
        try await self.line("«\(text)»") { $0.contains(text) }
    }

    /// Waits for a complete line that `isWanted`, of either stream; `what` names it in a failure. Lines before number
    /// `start` do not count.
    @discardableResult
    public func line(
        _ what: String, from start: Int = 0, where isWanted: (String) -> Bool
    ) async throws -> String {
        var next = start
        var found: String?
        try await self.wait(until: "\(self.name) says \(what)") { state in
            while found == nil, next < state.lines.count {
                if isWanted(state.lines[next]) { found = state.lines[next] }
                next += 1
            }
            return found != nil
        }
        return found ?? ""
    }

    /// Waits until standard output, from byte `offset` on, has something `parse` can make a value of.
    public func output<Value>(
        _ what: String, from offset: Int, parse: (Data) -> Value?
    ) async throws -> Value {
        var value: Value?
        try await self.wait(until: "\(self.name) sends \(what)") { state in
            value = parse(state.output.dropFirst(offset))
            return value != nil
        }
        guard let value else { throw TimedOut(description: "no \(what)") }
        return value
    }

    /// Waits for its end.
    @discardableResult
    public func finished() async throws -> Outcome {
        try await self.wait(until: "\(self.name) ends") { $0.isOver }
        return self.state.withLock { state in
            Outcome(
                status: state.status ?? -1, standardOutput: String(decoding: state.output, as: UTF8.self),
                standardError: String(decoding: state.error, as: UTF8.self)
            )
        }
    }

    /// Asks it to end, and waits until it has.
    @discardableResult
    public func stop() async throws -> Outcome {
        self.signal(SIGTERM)
        return try await self.finished()
    }

    /// For the message about a hang: what is still open.
    private var standing: String {
        self.state.withLock { "exit status \($0.status.map(String.init) ?? "none"), \($0.openStreams) streams open" }
    }

    /// A thread for each stream, which ends with it: Foundation's own way of being told about bytes misses ends.
    private func collect(_ handle: FileHandle, _ stream: Stream) {
        Thread.detachNewThread { [weak self] in
            while true {
                let data = handle.availableData
                self?.received(data, stream)
                if data.isEmpty { return }
            }
        }
    }

    private func received(_ data: Data, _ stream: Stream) {
        self.change { state in
            if data.isEmpty { state.openStreams -= 1 }
            switch stream {
            case .output: state.output.append(data)
            case .error: state.error.append(data)
            }
            state.lines += Self.completeLines(&state.partialLines[stream, default: Data()], data)
        }
    }

    private static func completeLines(_ partial: inout Data, _ data: Data) -> [String] {
        partial.append(data)
        guard let end = partial.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let complete = partial[..<end]
        partial = Data(partial[partial.index(after: end)...])
        return complete.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiters = self.state.withLock { state in
            body(&state)
            defer { state.waiters.removeAll() }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until `isTrue`, which is asked again after each change: to a process that has ended, nothing changes.
    private func wait(until what: String, _ isTrue: (State) -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let (isDone, isOver) = self.state.withLock { (isTrue($0), $0.isOver) }
            if isDone { return }
            guard !isOver else {
                throw EndedEarly(description: "it ended before \(what); it wrote:\n\(self.everything)")
            }
            guard ContinuousClock.now < deadline else {
                throw TimedOut(
                    description: "waited too long until \(what) (\(self.standing)); it wrote:\n\(self.everything)")
            }
            await self.changed(before: deadline, isTrue)
        }
    }

    /// Suspends until the next change, unless what is waited for has come about already.
    private func changed(
        before deadline: ContinuousClock.Instant, _ isTrue: (State) -> Bool
    ) async {
        let alarm = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            self.change { _ in }
        }
        defer { alarm.cancel() }
        await withCheckedContinuation { continuation in
            let resumesNow = self.state.withLock { state in
                if isTrue(state) || state.isOver || ContinuousClock.now >= deadline { return true }
                state.waiters[UUID()] = continuation
                return false
            }
            if resumesNow { continuation.resume() }
        }
    }
}
