import FleetPolicy
import Gateway

/// Reads the section `upstream`.
enum UpstreamReader {
    private static let defaultProgram = "/usr/sbin/mosquitto"
    private static let defaultData = "broker"
    /// MQTT's bound on a user name (a UTF-8 string of 16 bits of length).
    private static let userNameBytesMax = 65_535

    static func defaultSettings(_ configuration: ConfigurationReader) -> UpstreamSettings? {
        UpstreamSettings(
            broker: .embedded(program: defaultProgram, data: configuration.resolved(defaultData)), userName: nil,
            passwordFile: nil)
    }

    static func read(_ reader: inout MappingReader, _ configuration: ConfigurationReader) -> UpstreamSettings? {
        let url = reader.text("url")
        let ca = reader.text("ca").map(configuration.resolved)
        let certificate = reader.text("certificate").map(configuration.resolved)
        let key = PrivateKeyReader.read(&reader, "key", isRequired: false, configuration)
        let userName = reader.text("user-name")
        let passwordFile = reader.text("password-file").map(configuration.resolved)
        let embedded = embeddedSettings(&reader, configuration)
        reportIncomplete(certificate: certificate, key: key, reader)
        reportCredentials(userName: userName, passwordFile: passwordFile, reader)

        guard let broker = broker(url, reader.mistakes) else { return nil }
        switch broker {
        case nil:
            for stray in [ca, certificate, key?.file] {
                reportOutOfPlace(stray, "is for a tls:// broker", reader.mistakes)
            }
            for stray in [userName, passwordFile] {
                reportOutOfPlace(stray, "is for a broker of your own", reader.mistakes)
            }
            return UpstreamSettings(
                broker: .embedded(
                    program: embedded?.program ?? defaultProgram,
                    data: embedded?.data ?? configuration.resolved(defaultData)),
                userName: nil, passwordFile: nil)
        case let address?:
            if embedded != nil {
                reader.mistakes.report(
                    .conflictingKeys, at: reader.location(of: "embedded"), key: reader.keyPath("embedded"),
                    "is for the embedded broker, but the broker is \(address)",
                    hint: "remove it, or write url: embedded")
            }
            var tls: UpstreamTLSSettings?
            if case .tls = address.transport {
                tls = UpstreamTLSSettings(ca: ca, certificate: certificate, key: key)
            } else {
                for stray in [ca, certificate, key?.file] {
                    reportOutOfPlace(stray, "is for a tls:// broker", reader.mistakes)
                }
            }
            return UpstreamSettings(
                broker: .external(address, tls: tls), userName: userName?.value, passwordFile: passwordFile)
        }
    }

    /// `.some(nil)` is the embedded broker; nil is a mistake, which has been reported.
    private static func broker(_ url: Located<String>?, _ mistakes: MistakeCollector) -> UpstreamAddress?? {
        guard let url, url.value != "embedded" else { return .some(nil) }
        do {
            return .some(try UpstreamAddress(parsing: url.value))
        } catch {
            mistakes.report(
                .badValue, at: url.location, key: url.key, "`\(url.value)`: \(error)",
                hint: "or `embedded`, for a broker that FleetGate starts by itself")
            return nil
        }
    }

    private static func embeddedSettings(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader
    ) -> (program: String, data: String)? {
        reader.nested("embedded") { reader in
            let program = reader.string("mosquitto").map(configuration.resolved)
            let data = reader.string("data") ?? defaultData
            return (program ?? defaultProgram, configuration.resolved(data))
        }
    }

    private static func reportIncomplete(
        certificate: Located<String>?, key: PrivateKeySettings?, _ reader: MappingReader
    ) {
        if let certificate, key == nil {
            reader.mistakes.report(
                .conflictingKeys, at: certificate.location, key: certificate.key, "a certificate without a key",
                hint: "add \(reader.keyPath("key"))")
        } else if let key, certificate == nil {
            reader.mistakes.report(
                .conflictingKeys, at: key.file.location, key: key.file.key, "a key without a certificate",
                hint: "add \(reader.keyPath("certificate"))")
        }
    }

    private static func reportCredentials(
        userName: Located<String>?, passwordFile: Located<String>?, _ reader: MappingReader
    ) {
        // MQTT 3.1.1, 3.1.2.9: no password without a user name.
        if let passwordFile, userName == nil {
            reader.mistakes.report(
                .conflictingKeys, at: passwordFile.location, key: passwordFile.key, "a password without a user name",
                hint: "add \(reader.keyPath("user-name"))")
        }
        if let userName, userName.value.utf8.count > userNameBytesMax || userName.value.utf8.contains(0) {
            reader.mistakes.report(
                .badValue, at: userName.location, key: userName.key, "MQTT cannot carry this user name")
        }
    }

    private static func reportOutOfPlace(
        _ value: Located<String>?, _ problem: String, _ mistakes: MistakeCollector
    ) {
        guard let value else { return }
        mistakes.report(
            .conflictingKeys, at: value.location, key: value.key, problem, hint: "remove it, or change the url")
    }
}
