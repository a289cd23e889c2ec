internal import Synchronization

/// Whether new connections are taken at all. Closed by the control plane when what has to be written down about sessions
/// cannot be: each is refused at accept then, before any cryptography, and counted. Sessions that there are go on.
///
/// Safe to use from any thread; reading it takes no lock.
public final class AdmissionGate: Sendable {
    private let closed = Atomic<Bool>(false)

    public init() {}

    public var isClosed: Bool { self.closed.load(ordering: .relaxed) }

    public func close() { self.closed.store(true, ordering: .relaxed) }

    public func open() { self.closed.store(false, ordering: .relaxed) }
}
