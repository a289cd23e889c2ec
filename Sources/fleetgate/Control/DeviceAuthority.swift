import AdminAPI
import DeviceRegistry
import FleetPolicy
import NIOCore

/// Where the device commands go: to the running gateway, or to the registry's file when none runs. Never to both.
///
/// The same commands have the same answers and the same failures (`ControlFailure`) both ways.
protocol DeviceAuthority: Sendable {
    /// - Throws: `ControlFailure`; over the socket also ``ControlClientError``.
    func apply(_ command: RegistryCommand) async throws -> DeviceExchange.Outcome

    /// - Parameters:
    ///   - contents: The file, in UTF-8.
    ///   - onProgress: Called now and then.
    func importDevices(
        _ header: DeviceExchange.ImportHeader, contents: [UInt8],
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws -> ImportSummary

    /// Writes devices out, part by part, in whole lines.
    func export(_ export: DeviceExport, to write: @escaping @Sendable (String) throws -> Void) async throws

    /// Ends the use of it; nothing may be asked afterwards.
    func close() async throws
}

/// The registry of the running gateway.
struct GatewayDevices: DeviceAuthority {
    /// Bytes of a file sent at once.
    private static let partBytes = 64 * 1024

    let client: ControlClient

    func apply(_ command: RegistryCommand) async throws -> DeviceExchange.Outcome {
        let items = Collected<DeviceExchange.Item>()
        let rest = try await client.call(
            DeviceExchange.routePrefix + command.name.rawValue, command, as: DeviceExchange.Outcome.self
        ) { (item: DeviceExchange.Item) in await items.append(item) }
        return rest.joined(with: await items.all)
    }

    func importDevices(
        _ header: DeviceExchange.ImportHeader, contents: [UInt8],
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws -> ImportSummary {
        var file = ByteBuffer(bytes: try ControlJSON.encode(header) + [UInt8(ascii: "\n")])
        file.writeBytes(contents)
        let pieces = Pieces(file)
        let body = AsyncThrowingStream { await pieces.next(Self.partBytes) }
        return try await client.call(
            DeviceExchange.routePrefix + RegistryCommand.Name.importDevices.rawValue, .parts(body),
            as: ImportSummary.self, onItem: { (_: ControlDone) in }, onProgress: { onProgress($0) })
    }

    func export(_ export: DeviceExport, to write: @escaping @Sendable (String) throws -> Void) async throws {
        _ = try await client.call(DeviceExchange.exportRoute, export, as: ControlDone.self) {
            (item: DeviceExchange.ExportedText) in try write(item.text)
        }
    }

    func close() {}

    /// A file in the parts that are sent.
    private actor Pieces {
        private var rest: ByteBuffer

        init(_ whole: ByteBuffer) { rest = whole }

        func next(_ bytes: Int) -> ByteBuffer? {
            rest.readableBytes == 0 ? nil : rest.readSlice(length: min(bytes, rest.readableBytes))
        }
    }
}

/// The items of one answer, which is bounded by the page that was asked for.
private actor Collected<Item: Sendable> {
    private(set) var all: [Item] = []

    func append(_ item: Item) { all.append(item) }
}

/// The registry's file, when no gateway runs.
struct FileDevices<Registry: RegistryOperations>: DeviceAuthority {
    let registry: Registry
    /// Who gives the commands, for the audit.
    let actor: String

    func apply(_ command: RegistryCommand) async throws -> DeviceExchange.Outcome {
        do throws(RegistryError) {
            return DeviceExchange.Outcome(answer: try await registry.apply(command, by: actor))
        } catch {
            throw ControlFailure(error)
        }
    }

    func importDevices(
        _ header: DeviceExchange.ImportHeader, contents: [UInt8],
        onProgress: @escaping @Sendable (RegistryProgress) -> Void
    ) async throws -> ImportSummary {
        let text = try DeviceExchange.text(ofImport: contents)
        do throws(RegistryError) {
            return try await registry.importDevices(
                DeviceImport(format: header.format, mode: header.mode, text: text), dryRun: header.dryRun, by: actor,
                onProgress: onProgress)
        } catch {
            throw ControlFailure(error)
        }
    }

    func export(_ export: DeviceExport, to write: @escaping @Sendable (String) throws -> Void) async throws {
        do {
            try await registry.export(export) { try write($0) }
        } catch let error as RegistryError {
            throw ControlFailure(error)
        }
    }

    func close() async throws {
        do throws(RegistryError) {
            try await registry.close()
        } catch {
            throw ControlFailure(error)
        }
    }
}

extension DeviceExchange {
    /// - Throws: `ControlFailure` when the file is not UTF-8.
    static func text(ofImport contents: some Collection<UInt8>) throws(ControlFailure) -> String {
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw ControlFailure(code: RegistryError.Code.importRefused.rawValue, message: "the file is not UTF-8 text")
        }
        return text
    }
}
