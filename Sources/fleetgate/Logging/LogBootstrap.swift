import Foundation
import Logging

/// Sets up logging for the process, once.
enum LogBootstrap {
    static func start(_ settings: LogSettings) {
        let isTerminal = isatty(STDERR_FILENO) != 0
        let environment = ProcessInfo.processInfo.environment
        let level = Logger.Level(settings.level)
        let isText =
            switch settings.format {
            case .text: true
            case .json: false
            case .auto: isTerminal
            }
        // no-color.org: any value that is not empty asks for no colour.
        let isColoured = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        LoggingSystem.bootstrap { label in
            if isText {
                TextLogHandler(
                    label: label, level: level, isColoured: isColoured, destination: StandardErrorDestination())
            } else {
                JSONLogHandler(label: label, level: level, destination: StandardErrorDestination())
            }
        }
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
