import AdminAPI
import DeviceRegistry
import FleetPolicy

/// What goes over the admin socket for the device commands, beside the `RegistryCommand` itself.
enum DeviceExchange {
    /// Before the names of the commands.
    static let routePrefix = "devices/"
    static let exportRoute = "devices/export"

    /// What a command has done.
    struct Outcome: Sendable, Hashable, Codable {
        /// Over the socket, long lists in it are empty: their entries have gone before, as ``Item``.
        var answer: RegistryAnswer
        /// How many live sessions of the device the command has ended; nil: nobody counted, or no gateway runs.
        var sessionsEnded: Int?
    }

    /// One entry of a list.
    enum Item: Sendable, Hashable, Codable {
        case device(DeviceRecord)
        case certificate(CertificateOnFile)
        case entry(DeviceHistoryEntry)
    }

    /// The first line of an import; the file follows as it is.
    struct ImportHeader: Sendable, Hashable, Codable {
        /// Bytes of the line.
        static let bytesMax = 1024

        var format: DeviceFileFormat
        var mode: DeviceImport.Mode
        var dryRun: Bool
    }

    /// A piece of an exported file: whole lines.
    struct ExportedText: Sendable, Hashable, Codable {
        var text: String
    }
}

extension DeviceExchange.Outcome {
    /// The lists of the answer as items, and the answer without them.
    func split() -> (items: [DeviceExchange.Item], rest: DeviceExchange.Outcome) {
        var rest = self
        switch answer {
        case .devices(let records, let next):
            rest.answer = .devices([], next: next)
            return (records.map { .device($0) }, rest)
        case .certificates(let certificates, let next):
            rest.answer = .certificates([], next: next)
            return (certificates.map { .certificate($0) }, rest)
        case .history(let entries):
            rest.answer = .history([])
            return (entries.map { .entry($0) }, rest)
        case .device, .count, .removed, .imported:
            return ([], rest)
        }
    }

    /// The answer with its lists again. Items of another kind than the answer's do not count.
    func joined(with items: [DeviceExchange.Item]) -> DeviceExchange.Outcome {
        var whole = self
        switch answer {
        case .devices(_, let next):
            let records = items.compactMap { item -> DeviceRecord? in
                if case .device(let record) = item { record } else { nil }
            }
            whole.answer = .devices(records, next: next)
        case .certificates(_, let next):
            let certificates = items.compactMap { item -> CertificateOnFile? in
                if case .certificate(let certificate) = item { certificate } else { nil }
            }
            whole.answer = .certificates(certificates, next: next)
        case .history:
            whole.answer = .history(
                items.compactMap { item in if case .entry(let entry) = item { entry } else { nil } })
        case .device, .count, .removed, .imported: break
        }
        return whole
    }
}

extension ControlFailure {
    /// A registry's refusal, the same whether it comes over the socket or not.
    init(_ error: RegistryError) {
        self.init(
            code: error.code.rawValue, message: error.message,
            mistakes: error.mistakes.isEmpty
                ? nil
                : error.mistakes.map { Mistake(line: $0.line ?? 0, key: $0.field, message: $0.message) },
            mistakeCount: error.mistakeCount)
    }
}
