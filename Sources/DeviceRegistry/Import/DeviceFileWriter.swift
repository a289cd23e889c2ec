internal import FleetPolicy
internal import Foundation

/// Writes devices in the forms that imports read.
struct DeviceFileWriter {
    let format: DeviceFileFormat
    let includesPasswordHashes: Bool
    /// The attributes that CSV has columns for.
    let attributeNames: [String]

    /// What stands before the devices; may be empty.
    var header: String {
        switch format {
        case .csv:
            var names = ["device", "state", "profile", "note"]
            names += attributeNames.map { "attribute.\($0)" }
            names += DeviceOverrides.Limit.allCases.map { "override.\($0.rawValue)" }
            names += (1...RegisteredDevice.pinsMax).map { "pin.\($0)" }
            if includesPasswordHashes { names.append("password-hash") }
            return names.joined(separator: ",") + "\r\n"
        case .jsonLines:
            return ""
        }
    }

    func text(_ device: StoredDevice) throws -> String {
        switch format {
        case .csv: csv(device)
        case .jsonLines: try json(device)
        }
    }

    private func csv(_ device: StoredDevice) -> String {
        let record = device.record
        var fields = [record.key.description, record.state.rawValue, record.profile, record.note]
        fields += attributeNames.map { record.attributes[$0] ?? "" }
        fields += DeviceOverrides.Limit.allCases.map { record.overrides[$0].map { "\($0)" } ?? "" }
        fields += (0..<RegisteredDevice.pinsMax).map {
            $0 < record.pins.count ? record.pins[$0].pin.description : ""
        }
        if includesPasswordHashes { fields.append(device.passwordHash ?? "") }
        return fields.map(Self.quoted).joined(separator: ",") + "\r\n"
    }

    /// In quotes when it has to be (RFC 4180, section 2).
    private static func quoted(_ field: String) -> String {
        let isPlain = field.utf8.allSatisfy {
            $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") && $0 != 0x0D
        }
        return isPlain ? field : "\"\(field.replacing("\"", with: "\"\""))\""
    }

    private struct Line: Encodable {
        let device: DeviceKey
        let state: DeviceState
        let profile: String
        let note: String
        let attributes: [String: String]
        let overrides: DeviceOverrides
        let pins: [CertificatePin]
        let passwordHash: String?

        enum CodingKeys: String, CodingKey {
            case device, state, profile, note, attributes, overrides, pins
            case passwordHash = "password-hash"
        }
    }

    private func json(_ device: StoredDevice) throws -> String {
        let record = device.record
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(
            Line(
                device: record.key, state: record.state, profile: record.profile, note: record.note,
                attributes: record.attributes, overrides: record.overrides, pins: record.pins.map(\.pin),
                passwordHash: includesPasswordHashes ? device.passwordHash : nil))
        return String(decoding: line, as: UTF8.self) + "\n"
    }
}

extension DeviceRegistry {
    /// Writes devices out, in the byte order of their names, in the forms that an import reads.
    ///
    /// Read page by page, so that other work goes on: a device that changes meanwhile is written as it is when its page
    /// comes.
    ///
    /// - Parameter write: gets pieces of text with whole lines, one after the other; throwing ends the export.
    /// - Throws: what `write` throws; ``RegistryError`` from the store, or `invalid-command` when the devices have more
    ///   attributes than a CSV row has fields.
    public func export(_ export: DeviceExport, write: @Sendable (String) async throws -> Void) async throws {
        var query = export.query
        query.after = nil
        query.limit = DeviceQuery.limitMax
        let mistakes = CommandRules.mistakes(in: query)
        guard mistakes.isEmpty else {
            throw RegistryError(.invalidCommand, "the query is wrong", mistakes: mistakes)
        }
        let whole = query
        let names = try await store.read { reader throws(RegistryError) in
            export.format == .csv ? try reader.attributeNames(whole) : []
        }
        guard names.count <= CSVReader.fieldsMax - 32 else {
            throw RegistryError(
                .invalidCommand, "the devices have \(names.count) different attributes; JSON lines can hold them")
        }
        let writer = DeviceFileWriter(
            format: export.format, includesPasswordHashes: export.includesPasswordHashes, attributeNames: names)
        if !writer.header.isEmpty { try await write(writer.header) }
        while true {
            let page = query
            let devices = try await store.read { reader throws(RegistryError) in try reader.devices(page) }
            if !devices.isEmpty { try await write(try devices.map(writer.text).joined()) }
            guard devices.count == query.limit, let last = devices.last else { return }
            query.after = last.record.key
        }
    }
}
