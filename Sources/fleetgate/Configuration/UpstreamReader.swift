import FleetPolicy
import Foundation
import Gateway

/// Reads the section `upstream`.
enum UpstreamReader {
    private static let defaultProgram = "/usr/sbin/mosquitto"
    private static let defaultData = "broker"
    /// MQTT's bound on a user name (a UTF-8 string of 16 bits of length).
    private static let userNameBytesMax = 65_535

    /// For a configuration without the section: the embedded broker.
    static func defaultSettings(
        _ configuration: ConfigurationReader, at location: SourceLocation, naming files: inout NamedUpstreamFiles
    ) -> UpstreamSettings? {
        embedded(
            nil, unwritten: Located("upstream", location: location, key: "upstream"), configuration, naming: &files)
    }

    static func read(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader, naming files: inout NamedUpstreamFiles
    ) -> UpstreamSettings? {
        let url = reader.text("url")
        let ca = reader.text("ca").map(configuration.resolved)
        let certificate = reader.text("certificate").map(configuration.resolved)
        let key = PrivateKeyReader.read(&reader, "key", isRequired: false, configuration)
        let userName = reader.text("user-name")
        let passwordFile = reader.text("password-file").map(configuration.resolved)
        let embedded = embeddedSettings(&reader, configuration)
        reportIncomplete(certificate: certificate, key: key, reader)
        reportCredentials(userName: userName, passwordFile: passwordFile, reader)

        files.passwordFile = passwordFile
        guard let broker = broker(url, reader.mistakes) else {
            // Which kind of broker is meant is not known; that its files are in order can still be said.
            if let url, ca != nil || certificate != nil || key != nil {
                files.tls = UpstreamTLSSettings(url: url, ca: ca, certificate: certificate, key: key)
            }
            return nil
        }
        switch broker {
        case nil:
            for stray in [ca, certificate, key?.file] {
                reportOutOfPlace(stray, "is for a tls:// broker", reader.mistakes)
            }
            for stray in [userName, passwordFile] {
                reportOutOfPlace(stray, "is for a broker of your own", reader.mistakes)
            }
            files.passwordFile = nil
            let unwritten = Located(reader.path, location: reader.location, key: reader.path)
            return Self.embedded(embedded, unwritten: unwritten, configuration, naming: &files)
        case let address?:
            if embedded != nil {
                reader.mistakes.report(
                    .conflictingKeys, at: reader.location(of: "embedded"), key: reader.keyPath("embedded"),
                    "is for the embedded broker, but the broker is \(address)",
                    hint: "remove it, or write url: embedded")
            }
            var tls: UpstreamTLSSettings?
            if case .tls = address.transport, let url {
                tls = UpstreamTLSSettings(url: url, ca: ca, certificate: certificate, key: key)
                files.tls = tls
            } else {
                for stray in [ca, certificate, key?.file] {
                    reportOutOfPlace(stray, "is for a tls:// broker", reader.mistakes)
                }
            }
            return UpstreamSettings(
                broker: .external(address, tls: tls), userName: userName?.value, passwordFile: passwordFile)
        }
    }

    /// Brokers in one configuration: each loop keeps a TLS context for each.
    private static let namedMax = 64

    /// The section `upstreams`: brokers that profiles choose by name. They are brokers of the operator's own; there is
    /// one embedded broker at most.
    static func readNamed(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader,
        naming files: inout [String: NamedUpstreamFiles]
    ) -> [String: UpstreamSettings] {
        var upstreams: [String: UpstreamSettings] = [:]
        if reader.keys.count > namedMax {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path,
                "\(reader.keys.count) brokers, at most \(namedMax) are allowed")
        }
        for name in reader.keys.prefix(namedMax) {
            if !ConfigurationReader.isName(name) {
                reader.mistakes.report(
                    .badValue, at: reader.location(of: name), key: reader.keyPath(name),
                    "`\(name)` is not a name for a broker", hint: ConfigurationReader.nameHint)
            }
            var own = NamedUpstreamFiles()
            let settings = reader.nested(name) { section -> UpstreamSettings? in
                let location = section.location
                guard let settings = read(&section, configuration, naming: &own) else { return nil }
                switch settings.broker {
                case .external:
                    return settings
                case .embedded:
                    section.mistakes.report(
                        .badValue, at: location, key: section.keyPath("url"),
                        "a broker that profiles name is one of your own", hint: "give its url")
                    return nil
                }
            }
            files[name] = own
            upstreams[name] = settings ?? nil
        }
        return upstreams
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

    /// The section `embedded` as it is written.
    private struct EmbeddedSettings {
        let program: Located<String>?
        let data: Located<String>?
    }

    private static func embeddedSettings(
        _ reader: inout MappingReader, _ configuration: ConfigurationReader
    ) -> EmbeddedSettings? {
        reader.nested("embedded") { reader in
            EmbeddedSettings(
                program: reader.text("mosquitto").map(configuration.resolved),
                data: reader.text("data").map(configuration.resolved))
        }
    }

    /// - Parameter unwritten: The place of mistakes in a default, which has no key in the file.
    private static func embedded(
        _ settings: EmbeddedSettings?, unwritten: Located<String>, _ configuration: ConfigurationReader,
        naming files: inout NamedUpstreamFiles
    ) -> UpstreamSettings? {
        let program =
            settings?.program ?? Located(defaultProgram, location: unwritten.location, key: unwritten.key)
        files.mosquitto = program
        let data =
            settings?.data
            ?? Located(configuration.resolved(defaultData), location: unwritten.location, key: unwritten.key)
        let directory = URL(fileURLWithPath: data.value).path
        let broker = EmbeddedBroker.Configuration(
            programPath: program.value, directoryPath: directory, packetBytesMax: GatewayLimits().packetBytesMax)
        do {
            let address = try UpstreamAddress(parsing: "unix:\(broker.socketPath)")
            return UpstreamSettings(
                broker: .embedded(program: program.value, data: directory, address: address), userName: nil,
                passwordFile: nil)
        } catch {
            configuration.mistakes.report(
                .badValue, at: data.location, key: data.key, "`\(broker.socketPath)`: \(error)",
                hint: "the embedded broker's socket is in upstream.embedded.data; choose a shorter path")
            return nil
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
