import ArgumentParser
import FleetPolicy
import Foundation

/// Finds the audit log of a configuration.
enum AuditLocation {
    /// Where a configuration that says nothing has its audit log: beside itself.
    static let defaultFolder = "audit"

    /// Reads where the audit log of a gateway is. Nothing but `audit.folder` is looked at: who verifies a log need not be
    /// able to start the gateway. A relative folder is relative to the file's.
    ///
    /// - Throws: `ExitCode` when it cannot be read, and its mistakes are printed.
    static func read(_ path: String) throws -> String {
        let mistakes = MistakeCollector()
        guard let root = YAMLDocument.read(path, reporting: mistakes) else {
            for mistake in mistakes.mistakes { Terminal.printError(CheckReport.Mistake(mistake).text) }
            throw ExitCode.failure
        }
        var folder = defaultFolder
        if case .scalar(let named, _, _)? = value("folder", of: value("audit", of: root)), !named.isEmpty {
            folder = named
        }
        guard !folder.hasPrefix("/") else { return folder }
        return URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(folder).path
    }

    private static func value(_ key: String, of node: SourceNode?) -> SourceNode? {
        guard case .mapping(let entries, _)? = node else { return nil }
        return entries.first { $0.key == key }?.value
    }
}
