import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// A device as it is named on the command line.
struct DeviceArgument {
    let key: DeviceKey

    /// - Throws: `ValidationError` with the rules of names.
    init(parsing argument: String) throws {
        guard let key = DeviceKey(parsing: argument) else {
            throw ValidationError(
                "a device is TENANT/DEVICE, or DEVICE of the tenant default; each of the two has 1 to 128 bytes, none "
                    + "of + # / and no control characters, and does not begin with $")
        }
        self.key = key
    }
}

/// A state as it is named on the command line.
enum DeviceStateArgument: String, CaseIterable, ExpressibleByArgument {
    case pending, active, suspended, retired

    var state: DeviceState {
        switch self {
        case .pending: .pending
        case .active: .active
        case .suspended: .suspended
        case .retired: .retired
        }
    }
}

/// A format as it is named on the command line.
enum DeviceFormatArgument: String, CaseIterable, ExpressibleByArgument {
    case csv, jsonl

    var format: DeviceFileFormat {
        switch self {
        case .csv: .csv
        case .jsonl: .jsonLines
        }
    }
}

/// `NAME=VALUE`; an empty value says that what has the name is to go.
struct AssignmentArgument: ExpressibleByArgument, Hashable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

/// The assignments of one command, checked and sorted into those that set and those that remove.
enum Assignments {
    static func attributes(
        _ arguments: [AssignmentArgument]
    ) throws -> (set: [String: String], removed: [String]) {
        try requireDistinct(arguments, "--attribute")
        var set: [String: String] = [:]
        var removed: [String] = []
        for argument in arguments {
            if let objection = RegisteredDevice.objection(toAttributeName: argument.name) {
                throw ValidationError("--attribute \(argument.name): the attribute \(objection)")
            }
            if argument.value.isEmpty { removed.append(argument.name) } else { set[argument.name] = argument.value }
        }
        return (set, removed)
    }

    static func overrides(
        _ arguments: [AssignmentArgument]
    ) throws -> (set: DeviceOverrides, removed: [String]) {
        try requireDistinct(arguments, "--override")
        var set = DeviceOverrides()
        var removed: [String] = []
        for argument in arguments {
            guard let limit = DeviceOverrides.Limit(rawValue: argument.name) else {
                throw ValidationError(
                    "--override: there is no limit \(argument.name); there are "
                        + DeviceOverrides.Limit.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard !argument.value.isEmpty else {
                removed.append(limit.rawValue)
                continue
            }
            guard let value = Int(argument.value), limit.range.contains(value) else {
                throw ValidationError(
                    "--override \(limit.rawValue) takes \(limit.range.lowerBound) to \(limit.range.upperBound)")
            }
            set[limit] = value
        }
        return (set, removed)
    }

    private static func requireDistinct(_ arguments: [AssignmentArgument], _ option: String) throws {
        var names: Set<String> = []
        for argument in arguments where !names.insert(argument.name).inserted {
            throw ValidationError("\(option) \(argument.name) is given twice")
        }
    }
}

/// A moment: a date, or how long ago it is.
struct MomentArgument: ExpressibleByArgument, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z.
    let seconds: Int64

    init?(argument: String) {
        self.init(argument, now: Int64(Date().timeIntervalSince1970))
    }

    /// `90s`, `15m`, `6h`, `30d`, `2w`, `2026-01-31` (its beginning in UTC) or `2026-01-31T12:00:00Z`.
    init?(_ text: String, now: Int64) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count >= 0 {
            let (age, overflow) = count.multipliedReportingOverflow(by: unit)
            guard !overflow, age <= now else { return nil }
            seconds = now - age
            return
        }
        let whole = text.utf8.count == 10 ? text + "T00:00:00Z" : text
        // The parser is lenient (25 o'clock, no time zone); what it has understood has to be what was written.
        guard let date = try? Date(whole, strategy: .iso8601), date.formatted(.iso8601) == whole else { return nil }
        seconds = Int64(date.timeIntervalSince1970.rounded(.down))
    }
}
