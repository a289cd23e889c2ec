import FleetPolicy
import Foundation
import Logging
import Synchronization

@testable import DeviceRegistry

/// A folder that is gone when the test is over.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("registry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { "\(path)/registry.db" }
}

/// A registry on a file of its own, with a clock that the test sets.
struct RegistryFixture {
    let folder: ScratchFolder
    let store: SQLiteDeviceStore
    let registry: DeviceRegistry
    let clock: TestClock

    final class TestClock: Sendable {
        let time = Mutex<Int64>(1_000)
        func set(_ time: Int64) { self.time.withLock { $0 = time } }
        func now() -> Int64 { time.withLock { $0 } }
    }

    init() async throws {
        folder = try ScratchFolder()
        store = try SQLiteDeviceStore(path: folder.database)
        let clock = TestClock()
        self.clock = clock
        registry = try await DeviceRegistry.open(store, logger: .silent) { clock.now() }
    }

    /// A second look at the same file.
    func reopened() async throws -> DeviceRegistry {
        try await DeviceRegistry.open(SQLiteDeviceStore(path: folder.database), logger: .silent)
    }

    @discardableResult
    func apply(_ command: RegistryCommand) async throws(RegistryError) -> RegistryAnswer {
        try await registry.apply(command, by: "tester")
    }

    @discardableResult
    func add(_ record: DeviceRecord, hash: String? = nil) async throws(RegistryError) -> DeviceRecord? {
        try await apply(.add(device: record, passwordHash: hash)).record
    }

    /// The code that a command is refused with; nil when it is not.
    func refusal(_ command: RegistryCommand) async -> RegistryError? {
        do throws(RegistryError) {
            try await apply(command)
            return nil
        } catch {
            return error
        }
    }

    func show(_ key: DeviceKey) async throws -> DeviceRecord? { try await apply(.show(device: key)).record }

    func importing(
        _ text: String, _ format: DeviceFileFormat = .csv, _ mode: DeviceImport.Mode = .add
    ) async throws(RegistryError) -> ImportSummary? {
        try await apply(.importDevices(devices: DeviceImport(format: format, mode: mode, text: text))).summary
    }

    func exported(_ export: DeviceExport) async throws -> String {
        let text = Mutex("")
        try await registry.export(export) { piece in text.withLock { $0 += piece } }
        return text.withLock { $0 }
    }
}

extension RegistryAnswer {
    var record: DeviceRecord? { if case .device(let record) = self { record } else { nil } }
    var summary: ImportSummary? { if case .imported(let summary) = self { summary } else { nil } }
    var records: [DeviceRecord] { if case .devices(let records, _) = self { records } else { [] } }
    var count: Int? { if case .count(let count) = self { count } else { nil } }
    var history: [DeviceHistoryEntry] { if case .history(let entries) = self { entries } else { [] } }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension DeviceKey {
    init(_ deviceID: String) { self.init(tenant: "t", deviceID: deviceID) }
}

extension CertificatePin {
    static func numbered(_ number: UInt8, _ kind: Kind = .certificate) -> CertificatePin {
        CertificatePin(kind, sha256: Array(repeating: number, count: 32))!
    }
}

/// A hash that is quick to check.
let cheapHash = "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
