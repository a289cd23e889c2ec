internal import Foundation
internal import Synchronization

/// A device made of OpenSSL's own client: `openssl s_client` does TLS, the test writes and reads the bytes of MQTT.
public final class DeviceConnection: Sendable {
    private let process: RunningProcess
    private let bytesRead = Mutex(0)

    /// Begins to connect; the outcome shows in what comes.
    ///
    /// - Parameters:
    ///   - port: Of a further listener.
    ///   - arguments: Further ones for `openssl s_client`.
    public init(
        to gate: FleetGateProcess, port: Int? = nil, as credentials: (any CredentialFiles)?, alpn: String? = "mqtt",
        arguments: [String] = []
    ) throws {
        var all = ["s_client", "-quiet", "-connect", "127.0.0.1:\(port ?? gate.port)", "-CAfile", gate.caPath]
        all += ["-verify_return_error"]
        if let alpn { all += ["-alpn", alpn] }
        if let credentials { all += ["-cert", credentials.certificatePath, "-key", credentials.keyPath] }
        self.process = try RunningProcess(
            Program.installed("openssl") ?? "/usr/bin/openssl", all + arguments, keepsInputOpen: true
        )
    }

    public func send(_ bytes: [UInt8]) throws { try self.process.write(bytes) }

    /// The next packet that comes.
    public func packet() async throws -> [UInt8] {
        let offset = self.bytesRead.withLock { $0 }
        let packet = try await self.process.output("an MQTT packet", from: offset) { MQTTBytes.firstPacket(of: $0) }
        self.bytesRead.withLock { $0 += packet.count }
        return packet
    }

    /// Sends CONNECT and returns the CONNACK.
    @discardableResult
    public func connect(_ connect: [UInt8]) async throws -> [UInt8] {
        try self.send(connect)
        return try await self.packet()
    }

    /// Waits until the gateway has closed the connection.
    @discardableResult
    public func ended() async throws -> RunningProcess.Outcome { try await self.process.finished() }

    /// Stops the device from reading and writing, with its connection open.
    public func pause() { self.process.signal(SIGSTOP) }

    public func resume() { self.process.signal(SIGCONT) }

    /// Breaks the connection off, as a power failure of the device's process would.
    public func breakOff() async throws {
        self.process.signal(SIGKILL)
        try await self.process.finished()
    }
}
