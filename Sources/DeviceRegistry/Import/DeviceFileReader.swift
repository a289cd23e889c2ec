internal import Dispatch
internal import FleetPolicy

/// Reads the rows of an import, and everything that is wrong with them by themselves.
enum DeviceFileReader {
    /// - Throws: `import-refused` with all mistakes.
    static func read(
        _ file: DeviceImport, progress: (@Sendable (RegistryProgress) -> Void)?
    ) async throws(RegistryError) -> [ImportedDevice] {
        // A large file takes seconds, which the threads of Swift's tasks are too few for.
        let result: Result<[ImportedDevice], RegistryError> = await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(
                    returning: Result { () throws(RegistryError) in try rows(file, progress: progress) })
            }
        }
        return try result.get()
    }

    static func rows(
        _ file: DeviceImport, progress: (@Sendable (RegistryProgress) -> Void)? = nil
    ) throws(RegistryError) -> [ImportedDevice] {
        var bytes = Array(file.text.utf8)
        guard bytes.count <= DeviceImport.bytesMax else {
            throw RegistryError(.importRefused, "the file is larger than \(DeviceImport.bytesMax) bytes")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var collector = Collector(progress: progress)
        switch file.format {
        case .csv: try readCSV(bytes, &collector)
        case .jsonLines: try readJSONLines(bytes, &collector)
        }
        try collector.mistakes.throwIfAny()
        return collector.rows
    }

    /// Takes rows one after the other, and looks at each by itself and beside the others.
    struct Collector {
        let progress: (@Sendable (RegistryProgress) -> Void)?
        var mistakes = ImportMistakes()
        private(set) var rows: [ImportedDevice] = []
        private var lines: [DeviceKey: Int] = [:]
        private var pins: [CertificatePin: Int] = [:]
        private var count = 0

        init(progress: (@Sendable (RegistryProgress) -> Void)?) {
            self.progress = progress
        }

        /// Has to be called for each row, before it is read.
        mutating func begin() throws(RegistryError) {
            count += 1
            guard count <= DeviceImport.rowsMax else {
                throw RegistryError(.importRefused, "the file has more than \(DeviceImport.rowsMax) rows")
            }
            if count % 1_000 == 0 { progress?(RegistryProgress(phase: .reading, rows: count, total: nil)) }
        }

        mutating func take(_ row: ImportedDevice) {
            // As if it were new: what a row says has to be right by itself.
            let device = row.applied(to: nil, now: 0)
            for mistake in CommandRules.mistakes(in: device.record, device.passwordHash) {
                mistakes.report(RegistryMistake(line: row.line, field: mistake.field, message: mistake.message))
            }
            if let earlier = lines.updateValue(row.line, forKey: row.key) {
                mistakes.report(row.line, "device", "\(row.key) is on line \(earlier) already")
            }
            for (position, pin) in (row.pins ?? []).enumerated() {
                // Twice in one row has been reported.
                if let earlier = pins.updateValue(row.line, forKey: pin), earlier != row.line {
                    mistakes.report(row.line, "pin.\(position + 1)", "is on line \(earlier) already")
                }
            }
            // What will not be written need not be kept.
            if mistakes.isEmpty { rows.append(row) }
        }
    }

    /// Reads the name of a device from one or two fields; nil, and reported, when it is none.
    static func key(
        device: String?, tenant: String?, line: Int, _ mistakes: inout ImportMistakes
    ) -> DeviceKey? {
        guard let device, !device.isEmpty else {
            mistakes.report(line, "device", "is missing")
            return nil
        }
        let text = tenant.flatMap { $0.isEmpty ? nil : "\($0)/\(device)" } ?? device
        guard let key = DeviceKey(parsing: text) else {
            mistakes.report(
                line, "device",
                "`\(CommandRules.shown(text))` is no device: <tenant>/<device>, each 1 to 128 bytes without + # /, "
                    + "control characters and a leading $")
            return nil
        }
        return key
    }
}
