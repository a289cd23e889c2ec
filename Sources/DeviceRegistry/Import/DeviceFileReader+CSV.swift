internal import FleetPolicy

extension DeviceFileReader {
    /// What a column is about.
    enum Column: Hashable {
        case device, tenant, state, profile, note, passwordHash
        case attribute(String)
        case override(String)
        case pin(Int)

        init?(_ name: String) {
            switch name {
            case "device": self = .device
            case "tenant": self = .tenant
            case "state": self = .state
            case "profile": self = .profile
            case "note": self = .note
            case "password-hash": self = .passwordHash
            case "tenant/device": self = .device
            case _:
                let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { return nil }
                let rest = String(parts[1])
                switch parts[0] {
                case "attribute" where RegisteredDevice.objection(toAttributeName: rest) == nil: self = .attribute(rest)
                case "override" where DeviceOverrides.Limit(rawValue: rest) != nil: self = .override(rest)
                case "pin":
                    guard let number = Int(rest), (1...RegisteredDevice.pinsMax).contains(number), "\(number)" == rest
                    else { return nil }
                    self = .pin(number)
                case _: return nil
                }
            }
        }
    }

    static func readCSV(_ bytes: [UInt8], _ collector: inout Collector) throws(RegistryError) {
        var reader = CSVReader(bytes)
        guard let header = reader.next() else {
            throw RegistryError(.importRefused, "the file is empty; its first line has to name the columns")
        }
        guard let columns = columns(header, &collector.mistakes) else { return try collector.mistakes.throwIfAny() }
        while let row = reader.next() {
            try collector.begin()
            if let mistake = row.mistake {
                collector.mistakes.report(row.line, "", mistake)
            } else if row.fields.count != columns.count {
                collector.mistakes.report(
                    row.line, "", "has \(row.fields.count) fields; the header has \(columns.count)")
            } else if let device = read(row, columns, &collector.mistakes) {
                collector.take(device)
            }
        }
    }

    /// What the header names; nil, and reported, when something of it is wrong.
    private static func columns(_ header: CSVReader.Row, _ mistakes: inout ImportMistakes) -> [Column]? {
        if let mistake = header.mistake {
            mistakes.report(header.line, "", mistake)
            return nil
        }
        var columns: [Column] = []
        for name in header.fields {
            guard let column = Column(name) else {
                mistakes.report(header.line, "", "`\(CommandRules.shown(name))` is no column")
                continue
            }
            if columns.contains(column) { mistakes.report(header.line, "", "the column `\(name)` is there twice") }
            columns.append(column)
        }
        if !columns.contains(.device) { mistakes.report(header.line, "", "there is no column `device`") }
        return mistakes.isEmpty ? columns : nil
    }

    private static func read(
        _ row: CSVReader.Row, _ columns: [Column], _ mistakes: inout ImportMistakes
    ) -> ImportedDevice? {
        let line = row.line
        let before = mistakes.count
        func field(_ column: Column) -> String? { columns.firstIndex(of: column).map { row.fields[$0] } }
        let key = key(device: field(.device), tenant: field(.tenant), line: line, &mistakes)
        // Without a name the rest is looked at all the same.
        var device = ImportedDevice(line: line, key: key ?? DeviceKey(tenant: "", deviceID: ""))
        var pins: [(number: Int, pin: CertificatePin)] = []
        for (column, text) in zip(columns, row.fields) {
            switch column {
            case .device, .tenant: break
            case .state:
                if !text.isEmpty { device.state = state(text, line, &mistakes) }
            case .profile: device.profile = text
            case .note: device.note = text
            case .passwordHash: device.passwordHash = .given(text.isEmpty ? nil : text)
            case .attribute(let name): device.attributes.values[name] = .some(text.isEmpty ? nil : text)
            case .override(let name):
                guard !text.isEmpty else {
                    device.overrides.values[name] = .some(nil)
                    continue
                }
                if let value = override(name, Int(text), shown: text, line, &mistakes) {
                    device.overrides.values[name] = value
                }
            case .pin(let number):
                if device.pins == nil { device.pins = [] }
                guard !text.isEmpty else { continue }
                if let pin = pin(text, number, line, &mistakes) { pins.append((number, pin)) }
            }
        }
        if device.pins != nil { device.pins = pins.sorted { $0.number < $1.number }.map(\.pin) }
        return mistakes.count == before ? device : nil
    }

    static func state(_ text: String, _ line: Int, _ mistakes: inout ImportMistakes) -> DeviceState? {
        if let state = DeviceState(rawValue: text) { return state }
        mistakes.report(line, "state", "`\(CommandRules.shown(text))` is none of \(states)")
        return nil
    }

    private static var states: String { DeviceState.allCases.map(\.rawValue).joined(separator: ", ") }

    static func pin(_ text: String, _ number: Int, _ line: Int, _ mistakes: inout ImportMistakes) -> CertificatePin? {
        if let pin = CertificatePin(parsing: text) { return pin }
        mistakes.report(
            line, "pin.\(number)", "is neither `certificate:` nor `public-key:` with 64 hexadecimal digits behind it")
        return nil
    }

    /// A value for an override that exists.
    static func override(
        _ name: String, _ value: Int?, shown text: String, _ line: Int, _ mistakes: inout ImportMistakes
    ) -> Int? {
        guard let range = DeviceOverrides.Limit(rawValue: name)?.range else {
            mistakes.report(line, "override.\(CommandRules.shown(name))", "is no limit")
            return nil
        }
        guard let value, range.contains(value) else {
            mistakes.report(
                line, "override.\(name)",
                "`\(CommandRules.shown(text))` is no number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }
}
