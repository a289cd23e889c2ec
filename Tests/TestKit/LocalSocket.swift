internal import Foundation
internal import Synchronization

/// The next port to try. Below the range that the kernel takes ports for outgoing connections from, and never the same
/// twice in one run, so that parallel tests do not take each other's.
private let nextPort = Mutex(10_000 + Int(getpid() % 1_000) * 20)

/// A TCP port nobody listens on at this moment, and no other caller of this process gets.
public func unusedPort() throws -> Int {
    for _ in 0..<2_000 {
        let port = nextPort.withLock { next in
            next = next < 32_000 ? next + 1 : 10_000
            return next
        }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw POSIXError(.EMFILE) }
        defer { close(descriptor) }
        if withLoopbackAddress(port: port, { bind(descriptor, $0, $1) }) == 0 { return port }
    }
    throw POSIXError(.EADDRINUSE)
}

private func withLoopbackAddress<Result>(
    port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// A plain TCP connection to a port of this machine, for what no proper client would send.
public final class LocalSocket: Sendable {
    private let descriptor: Int32

    /// Connects; the kernel does that at once with a listener on the same machine.
    public init(port: Int) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw POSIXError(.EMFILE) }
        guard withLoopbackAddress(port: port, { connect(self.descriptor, $0, $1) }) == 0 else {
            close(self.descriptor)
            throw POSIXError(.ECONNREFUSED)
        }
        // The net below a test that waits for a close that never comes.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    public func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw POSIXError(.EPIPE) }
            rest = rest.dropFirst(count)
        }
    }

    public func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    /// Says that nothing more comes, while still listening.
    public func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Everything the other side sends until it closes.
    ///
    /// - Throws: when it does not close.
    public func bytesUntilClosed() async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try self.readToEnd() })
            }
        }
    }

    private func readToEnd() throws -> [UInt8] {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received += buffer[..<count]
            } else if count == 0 || errno == ECONNRESET {
                return received
            } else {
                throw RunningProcess.TimedOut(description: "the connection is not closed (errno \(errno))")
            }
        }
    }
}
