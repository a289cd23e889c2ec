import FleetPolicy
import Foundation
import Gateway
import NIOCore

/// Reads the configuration from its document: asks for every key, reports every mistake.
struct ConfigurationReader {
    let file: String
    let mistakes: MistakeCollector

    /// The configuration is nil when a value that has no default is missing or wrong; mistakes may be reported in any
    /// case. The files are those that could be made out.
    static func read(
        _ node: SourceNode, file: String, reporting mistakes: MistakeCollector
    ) -> (configuration: FleetGateConfiguration?, files: NamedFiles) {
        let reader = ConfigurationReader(file: file, mistakes: mistakes)
        var files = NamedFiles()
        let configuration = MappingReader.read(node, reporting: mistakes) { reader.document(&$0, naming: &files) }
        return (configuration ?? nil, files)
    }

    private func document(
        _ reader: inout MappingReader, naming files: inout NamedFiles
    ) -> FleetGateConfiguration? {
        let listeners = listeners(&reader)
        var shortForm = TrustReader.ShortForm(
            place: Located("tls.client-ca", location: reader.location(of: "tls"), key: "tls.client-ca"), files: [],
            isWritten: false, isBroken: false, requiresEKU: true)
        let tls = reader.requiredNested("tls", hint: "certificate, key and client-ca at least") {
            tlsSettings(&$0, naming: &files, shortForm: &shortForm)
        }
        // Without the section there is nothing to hold the absence of CAs against.
        if !reader.keys.contains("tls") { shortForm.isBroken = true }
        let trustReader = TrustReader(
            configuration: self, shortForm: shortForm,
            listeners: listeners?.map(\.name) ?? [ListenerSettings.defaultName])
        let trust = reader.nested("trust") { trustReader.read(&$0) } ?? trustReader.defaults()
        files.trust = trust
        if let listeners { files.listeners = listeners.map(\.name) }
        let tickets = reader.nested("tickets") { TicketReader.read(&$0, self) } ?? TicketReader.defaults(self)
        files.tickets = tickets
        let audit = reader.nested("audit") { AuditReader.read(&$0, self) } ?? AuditReader.defaults(self)
        let observations =
            reader.nested("observations") { ObservationReader.read(&$0, self) } ?? ObservationReader.defaults(self)
        let profiles = reader.requiredText("profiles", hint: "the folder of device profiles").map(resolved)
        files.profiles = profiles
        let registry =
            reader.text("registry").map(resolved)
            ?? Located(resolved(Self.defaultRegistry), location: reader.location, key: "registry")
        var limits = GatewayLimits()
        let upstreamLocation = reader.location(of: "upstream")
        let upstream =
            reader.nested("upstream") { reader in
                LimitsReader.readUpstreamTimeouts(&reader, into: &limits)
                return UpstreamReader.read(&reader, self, naming: &files.upstream)
            } ?? UpstreamReader.defaultSettings(self, at: upstreamLocation, naming: &files.upstream)
        let upstreams = reader.nested("upstreams") { UpstreamReader.readNamed(&$0, self, naming: &files.upstreams) }
        reader.nested("limits") { LimitsReader.read(&$0, into: &limits) }
        let adminLocation = reader.location(of: "admin")
        let admin =
            reader.nested("admin") { AdminReader.read(&$0, self) }
            ?? AdminReader.defaultSettings(self, at: adminLocation)
        let log = reader.nested("log") { reader in
            LogSettings(
                level: reader.choice("level", of: LogLevel.self) ?? .info,
                format: reader.choice("format", of: LogFormat.self) ?? .auto)
        }
        let eventLoops = reader.int("event-loops", in: 1...256)
        guard let listener = listeners?.first, let listeners, let tls = tls ?? nil, let profiles, let upstream,
            let admin
        else { return nil }
        return FleetGateConfiguration(
            file: file, listener: listener, furtherListeners: Array(listeners.dropFirst()), tls: tls, trust: trust,
            tickets: tickets, audit: audit, observations: observations, profiles: profiles, registry: registry,
            upstream: upstream, upstreams: upstreams ?? [:], limits: limits, admin: admin,
            log: log ?? LogSettings(level: .info, format: .auto), eventLoops: eventLoops)
    }

    /// Beside the configuration.
    private static let defaultRegistry = "registry.sqlite"

    // MARK: Paths

    /// A path of the configuration: relative ones are relative to the configuration's folder, so that the program can
    /// be started from anywhere.
    func resolved(_ path: Located<String>) -> Located<String> {
        Located(resolved(path.value), location: path.location, key: path.key)
    }

    func resolved(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        return folder.hasSuffix("/") ? folder + path : folder + "/" + path
    }

    // MARK: Sections

    /// Listeners of one configuration: each has a TLS context on each event loop.
    static let listenersMax = 16

    /// The section `listener`, or `listeners`; at least one. Nil when one of them is wrong, which has been reported.
    private func listeners(_ reader: inout MappingReader) -> [ListenerSettings]? {
        let single = reader.nested("listener") { listenerSettings(&$0, name: listenerName(&$0)) }
        let location = reader.location(of: "listeners")
        let several = reader.nested("listeners") { namedListeners(&$0) }
        if reader.keys.contains("listener"), reader.keys.contains("listeners") {
            mistakes.report(
                .conflictingKeys, at: location, key: "listeners", "`listener` is there too",
                hint: "move it into `listeners`, under its name")
        }
        if reader.keys.contains("listeners") { return several ?? nil }
        if reader.keys.contains("listener") { return (single ?? nil).map { [$0] } }
        return [ListenerSettings(address: "0.0.0.0", port: ListenerSettings.defaultPort)]
    }

    private func namedListeners(_ reader: inout MappingReader) -> [ListenerSettings]? {
        let names = reader.keys
        if names.isEmpty || names.count > Self.listenersMax {
            mistakes.report(
                .outOfRange, at: reader.location, key: reader.path, "\(names.count) listeners",
                hint: "1 to \(Self.listenersMax)")
        }
        var found: [ListenerSettings] = []
        for name in names.prefix(Self.listenersMax) {
            let location = reader.location(of: name)
            if !Self.isName(name) {
                mistakes.report(
                    .badValue, at: location, key: reader.keyPath(name), "`\(name)` is not a name",
                    hint: Self.nameHint)
            }
            guard let listener = reader.nested(name, { listenerSettings(&$0, name: name) }) ?? nil else { continue }
            // Port 0 is another one for each.
            if let other = found.first(where: {
                $0.port != 0 && $0.port == listener.port && $0.address == listener.address
            }) {
                mistakes.report(
                    .conflictingKeys, at: location, key: reader.keyPath(name),
                    "has the address and port of `\(other.name)`")
            }
            found.append(listener)
        }
        return found.count == names.count && !found.isEmpty ? found : nil
    }

    private func listenerSettings(_ reader: inout MappingReader, name: String) -> ListenerSettings? {
        let address = reader.text("address")
        // 0 lets the system choose, which tests and demonstrations need.
        let port = reader.int("port", in: 0...65_535) ?? ListenerSettings.defaultPort
        guard let address else { return ListenerSettings(name: name, address: "0.0.0.0", port: port) }
        guard (try? SocketAddress(ipAddress: address.value, port: port)) != nil else {
            mistakes.report(
                .badValue, at: address.location, key: address.key, "`\(address.value)` is not an IP address",
                hint: "0.0.0.0 and \"::\" are all of this machine's; the port has a key of its own")
            return nil
        }
        return ListenerSettings(name: name, address: address.value, port: port)
    }

    private func listenerName(_ reader: inout MappingReader) -> String {
        guard let name = reader.text("name") else { return ListenerSettings.defaultName }
        guard Self.isName(name.value) else {
            mistakes.report(
                .badValue, at: name.location, key: name.key, "`\(name.value)` is not a name", hint: Self.nameHint)
            return ListenerSettings.defaultName
        }
        return name.value
    }

    /// Whether a text can name a part of the configuration, as profiles name each other.
    static func isName(_ text: String) -> Bool {
        text.utf8.count <= 64 && text.utf8.first.map { (0x61...0x7A).contains($0) } == true
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }

    static let nameHint = "a letter, then lower-case letters, digits, `-` and `_`; at most 64"

    private func tlsSettings(
        _ reader: inout MappingReader, naming files: inout NamedFiles, shortForm: inout TrustReader.ShortForm
    ) -> TLSSettings? {
        let certificate = reader.requiredText("certificate", hint: "PEM: the server's certificate, then intermediates")
            .map(resolved)
        let key = PrivateKeyReader.read(&reader, "key", isRequired: true, self)
        shortForm.isWritten = reader.keys.contains("client-ca")
        let clientCAPlace = reader.location(of: "client-ca")
        let clientCA = Self.files(&reader, "client-ca", self)
        shortForm.place = Located("", location: clientCAPlace, key: reader.keyPath("client-ca"))
        shortForm.files = clientCA ?? []
        shortForm.isBroken = shortForm.isWritten && clientCA == nil
        let versions = tlsVersions(&reader)
        let handshakeTimeout = reader.duration("handshake-timeout", in: .seconds(1) ... .seconds(300))
        let requiresEKU = reader.bool("require-client-auth-eku")
        files.certificate = certificate
        files.key = key
        shortForm.requiresEKU = requiresEKU ?? true
        guard let certificate, let key, !shortForm.isBroken else { return nil }
        let settings = TLSSettings(
            certificate: certificate, key: key, versions: versions,
            handshakeTimeout: handshakeTimeout ?? .seconds(30), requiresClientAuthEKU: requiresEKU ?? true)
        files.tls = settings
        return settings
    }

    /// Files of one key.
    private static let filesMax = 64

    /// One file or a list of files, which may be empty; nil when the key is absent or a file of it wrong.
    static func files(
        _ reader: inout MappingReader, _ key: String, _ configuration: ConfigurationReader
    ) -> [Located<String>]? {
        guard let node = reader.node(key) else { return nil }
        guard case .sequence(let items, _) = node else {
            return reader.text(key).map { [configuration.resolved($0)] }
        }
        let files = reader.strings(key, countMax: filesMax).map(configuration.resolved)
        return files.count == items.count ? files : nil
    }

    private func tlsVersions(_ reader: inout MappingReader) -> Located<ClosedRange<ConfiguredTLSVersion>> {
        let key = reader.keyPath("versions")
        let every = Located(
            ConfiguredTLSVersion.tls12...ConfiguredTLSVersion.tls13, location: reader.location(of: "versions"),
            key: key)
        guard let node = reader.node("versions") else { return every }
        let location = node.location
        let versions = reader.strings("versions", countMax: ConfiguredTLSVersion.allCases.count).compactMap { text in
            let version = ConfiguredTLSVersion(rawValue: text.value)
            if version == nil {
                mistakes.report(
                    .badValue, at: text.location, key: text.key, "`\(text.value)` is not a TLS version that is offered",
                    hint: "1.2 and 1.3")
            }
            return version
        }
        if case .sequence(let items, _) = node, items.isEmpty {
            mistakes.report(.badValue, at: location, key: key, "the list is empty", hint: "[1.2, 1.3]")
        }
        guard let lowest = versions.min(), let highest = versions.max() else { return every }
        return Located(lowest...highest, location: location, key: key)
    }
}

/// Reads a private key's path together with the keys beside it that say what it is encrypted with.
enum PrivateKeyReader {
    static func read(
        _ reader: inout MappingReader, _ key: String, isRequired: Bool, _ configuration: ConfigurationReader
    ) -> PrivateKeySettings? {
        let file = isRequired ? reader.requiredText(key, hint: "PEM: the private key") : reader.text(key)
        let passphraseFile = reader.text("\(key)-passphrase-file").map(configuration.resolved)
        let passphraseVariable = reader.text("\(key)-passphrase-env")
        if passphraseFile != nil, let passphraseVariable {
            reader.mistakes.report(
                .conflictingKeys, at: passphraseVariable.location, key: passphraseVariable.key,
                "the pass phrase is given in two ways", hint: "keep \(key)-passphrase-file or \(key)-passphrase-env")
        }
        guard let file else {
            if !isRequired, let stray = passphraseFile ?? passphraseVariable {
                reader.mistakes.report(
                    .conflictingKeys, at: stray.location, key: stray.key, "a pass phrase without a key",
                    hint: "add \(reader.keyPath(key))")
            }
            return nil
        }
        return PrivateKeySettings(
            file: configuration.resolved(file),
            passphrase: passphraseFile.map { .file($0) } ?? passphraseVariable.map { .environment($0) })
    }
}

extension OperatorMistake.Code {
    /// Two keys that exclude each other, or one that needs another.
    static let conflictingKeys = Self("conflicting-keys")
}
