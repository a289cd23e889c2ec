import AdminAPI
import DeviceRegistry
import FleetPolicy
import NIOCore
import Synchronization

/// What the running gateway says about the sessions of a device whose registration changes.
struct LiveSessions: Sendable {
    /// How many sessions of the device are open.
    let count: @Sendable (DeviceKey) async -> Int
    /// Has the device's sessions judged by the registry as it is now, and returns when every event loop has done so:
    /// sessions that end because of it are not counted any more.
    let judge: @Sendable (DeviceKey) async -> Void
    /// Returns when every event loop judges devices that come by the registry as it is now.
    let settle: @Sendable () async -> Void
}

/// The routes of the admin socket.
enum ControlRoutes {
    /// The server's side of the device commands: `devices/<command>` takes a `RegistryCommand` as JSON.
    ///
    /// - Parameters:
    ///   - registry: What the running gateway decides by.
    ///   - sessions: Of the running gateway; nil: they are not counted.
    static func registry(_ registry: any RegistryOperations, sessions: LiveSessions? = nil) -> [ControlRoute] {
        let commands = RegistryCommand.Name.allCases.filter { $0 != .importDevices }.map { name in
            ControlRoute(DeviceExchange.routePrefix + name.rawValue) { request, answer in
                let command = try await request.decode(RegistryCommand.self)
                guard command.name == name else {
                    throw ControlFailure.badRequest("the command is not `\(name.rawValue)`")
                }
                let outcome = try await apply(command, to: registry, by: OperatorName.name(of: request.peer), sessions)
                let (items, rest) = outcome.split()
                for item in items { try await answer.item(item) }
                return rest
            }
        }
        return commands + [importRoute(registry, sessions), exportRoute(registry)]
    }

    private static func apply(
        _ command: RegistryCommand, to registry: any RegistryOperations, by actor: String, _ sessions: LiveSessions?
    ) async throws(ControlFailure) -> DeviceExchange.Outcome {
        do {
            guard let sessions, let device = command.deviceConcerned else {
                return DeviceExchange.Outcome(answer: try await registry.apply(command, by: actor))
            }
            let before = await sessions.count(device)
            let answer = try await registry.apply(command, by: actor)
            // Also when there was no session: a handshake under way must not be judged by what held before.
            await sessions.judge(device)
            return DeviceExchange.Outcome(
                answer: answer, sessionsEnded: max(0, before - (await sessions.count(device))))
        } catch {
            throw ControlFailure(error)
        }
    }

    // MARK: Import

    private static func importRoute(
        _ registry: any RegistryOperations, _ sessions: LiveSessions?
    ) -> ControlRoute {
        let turn = ImportTurn()
        let name = RegistryCommand.Name.importDevices.rawValue
        let bytesMax = DeviceExchange.ImportHeader.bytesMax + DeviceImport.bytesMax
        return ControlRoute(DeviceExchange.routePrefix + name, bodyBytesMax: bytesMax) { request, answer in
            guard turn.take() else {
                throw ControlFailure(code: "import-under-way", message: "another import is under way; try again later")
            }
            defer { turn.giveBack() }
            let (header, devices) = try await readImport(request.body)
            let actor = OperatorName.name(of: request.peer)
            let (progress, continuation) = AsyncStream.makeStream(
                of: RegistryProgress.self, bufferingPolicy: .bufferingNewest(1))
            async let summary = {
                defer { continuation.finish() }
                return try await registry.importDevices(devices, dryRun: header.dryRun, by: actor) {
                    continuation.yield($0)
                }
            }()
            // A client that has gone away does not stop the import, nor does it learn how it ended.
            for await step in progress { try? await answer.progress(step) }
            do {
                let imported = try await summary
                // Whoever has been told that the devices are there can connect them.
                if !header.dryRun { await sessions?.settle() }
                return imported
            } catch let error as RegistryError {
                throw ControlFailure(error)
            }
        }
    }

    private static func readImport(
        _ body: ControlBody
    ) async throws -> (header: DeviceExchange.ImportHeader, devices: DeviceImport) {
        var bytes = ByteBuffer()
        for try await part in body { bytes.writeImmutableBuffer(part) }
        let first = bytes.readableBytesView.prefix(DeviceExchange.ImportHeader.bytesMax)
        guard let end = first.firstIndex(of: UInt8(ascii: "\n")),
            let line = bytes.readSlice(length: end - bytes.readerIndex),
            let header = try? ControlJSON.decode(DeviceExchange.ImportHeader.self, from: line)
        else { throw ControlFailure.badRequest("an import begins with a line that says what it is") }
        bytes.moveReaderIndex(forwardBy: 1)
        let text = try DeviceExchange.text(ofImport: bytes.readableBytesView)
        return (header, DeviceImport(format: header.format, mode: header.mode, text: text))
    }

    /// One import at a time: each holds a whole file.
    private final class ImportTurn: Sendable {
        private let isTaken = Mutex(false)

        func take() -> Bool {
            isTaken.withLock { taken in
                defer { taken = true }
                return !taken
            }
        }

        func giveBack() {
            isTaken.withLock { $0 = false }
        }
    }

    // MARK: Export

    private static func exportRoute(_ registry: any RegistryOperations) -> ControlRoute {
        ControlRoute(DeviceExchange.exportRoute) { request, answer in
            let export = try await request.decode(DeviceExport.self)
            // The registry goes on when the client has taken the part before.
            let (parts, put) = AsyncStream.makeStream(of: String.self)
            let (turns, turn) = AsyncStream.makeStream(of: Void.self)
            async let done: Void = {
                defer { put.finish() }
                try await registry.export(export) { text in
                    put.yield(text)
                    guard await turns.first(where: { _ in true }) != nil else { throw CancellationError() }
                }
            }()
            // When the client is gone, so is the registry's turn.
            defer { turn.finish() }
            for await text in parts {
                try await answer.item(DeviceExchange.ExportedText(text: text))
                turn.yield()
            }
            do {
                try await done
            } catch let error as RegistryError {
                throw ControlFailure(error)
            }
            return ControlDone()
        }
    }
}
