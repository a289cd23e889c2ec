import AdminAPI
import FleetPolicy
import Gateway
import NIOCore
import Testing

@testable import fleetgate

/// A configuration in which everything is right; tests put one thing wrong.
private let sound = """
    listener:
      address: "127.0.0.1"
      port: 8883
    tls:
      certificate: server.pem
      key: server.key
      client-ca: ca.pem
      versions: [1.2, 1.3]
      handshake-timeout: 30s
      require-client-auth-eku: true
    profiles: profiles
    upstream:
      url: embedded
    limits:
      connections-max: 100
    admin:
      listen: "127.0.0.1:9464"
    log:
      level: info
      format: json
    event-loops: 2
    """

@Suite struct ConfigurationReaderTests {
    func read(_ text: String) -> (configuration: FleetGateConfiguration?, mistakes: [OperatorMistake]) {
        let collector = MistakeCollector()
        let configuration = YAMLDocument.parse(text, file: "/etc/fg/fleetgate.yaml", reporting: collector).flatMap {
            ConfigurationReader.read($0, file: "/etc/fg/fleetgate.yaml", reporting: collector).configuration
        }
        return (configuration, collector.mistakes)
    }

    @Test func aSoundConfigurationIsRead() throws {
        let (configuration, mistakes) = read(sound)
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        #expect(found.listener == ListenerSettings(address: "127.0.0.1", port: 8883))
        #expect(found.tls.certificate.value == "/etc/fg/server.pem")
        #expect(found.trust.bundles.first?.files.map(\.value) == ["/etc/fg/ca.pem"])
        #expect(found.tls.versions.value == .tls12 ... .tls13)
        #expect(found.tls.handshakeTimeout == .seconds(30))
        #expect(found.profiles.value == "/etc/fg/profiles")
        #expect(found.limits.connectionsMax == 100)
        #expect(found.limits.handshakesInFlightMax == 100)
        #expect(found.admin.address?.description == "127.0.0.1:9464")
        #expect(found.log == LogSettings(level: .info, format: .json))
        #expect(found.eventLoops == 2)
        guard case .embedded("/usr/sbin/mosquitto", "/etc/fg/broker", let address) = found.upstream.broker else {
            Issue.record("\(found.upstream.broker)")
            return
        }
        #expect(address.description == "unix:/etc/fg/broker/broker.sock")
    }

    @Test func whatIsLeftOutHasADefault() throws {
        let (configuration, mistakes) = read("tls: {certificate: /c, key: k, client-ca: [a, /b]}\nprofiles: /p\n")
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        #expect(found.listener == ListenerSettings(address: "0.0.0.0", port: 8883))
        #expect(found.tls.certificate.value == "/c")
        #expect(found.trust.bundles.first?.files.map(\.value) == ["/etc/fg/a", "/b"])
        #expect(found.tls.requiresClientAuthEKU)
        #expect(found.limits == GatewayLimits())
        #expect(found.admin.address?.description == "127.0.0.1:9464")
        #expect(found.log == LogSettings(level: .info, format: .auto))
        #expect(found.eventLoops == nil)
    }

    /// What replaces a line of the sound configuration, and the mistake that comes of it.
    static let mistakes: [(line: String, replacement: String, expected: String)] = [
        ("  address: \"127.0.0.1\"", "  address: localhost", "2:12 listener.address bad-value"),
        ("  address: \"127.0.0.1\"", "  address: 127.0.0.1:8883", "2:12 listener.address bad-value"),
        ("  port: 8883", "  port: 65536", "3:9 listener.port out-of-range"),
        ("  port: 8883", "  port: -1", "3:9 listener.port out-of-range"),
        ("  port: 8883", "  port: mqtts", "3:9 listener.port bad-value"),
        ("  port: 8883", "  port: \"8883\"", "3:9 listener.port wrong-kind"),
        ("  port: 8883", "  ports: 8883", "3:3 listener.ports unknown-key"),
        ("  certificate: server.pem", "  certificate:", "5:3 tls.certificate missing-key"),
        ("  certificate: server.pem", "  certificate: [a, b]", "5:16 tls.certificate wrong-kind"),
        ("  key: server.key", "  key: {a: b}", "6:8 tls.key wrong-kind"),
        (
            "  key: server.key", "  key: k\n  key-passphrase-file: f\n  key-passphrase-env: E",
            "8:23 tls.key-passphrase-env conflicting-keys"
        ),
        ("  client-ca: ca.pem", "  client-ca: []", "7:3 tls.client-ca missing-key"),
        ("  client-ca: ca.pem", "  client-ca: {a: b}", "7:14 tls.client-ca wrong-kind"),
        ("  client-ca: ca.pem", "  client_ca: ca.pem", "7:3 tls.client_ca unknown-key"),
        ("  versions: [1.2, 1.3]", "  versions: [1.1, 1.2]", "8:14 tls.versions[0] bad-value"),
        ("  versions: [1.2, 1.3]", "  versions: []", "8:13 tls.versions bad-value"),
        ("  versions: [1.2, 1.3]", "  versions: 1.3", "8:13 tls.versions wrong-kind"),
        ("  versions: [1.2, 1.3]", "  versions: [1.2, 1.3, 1.3]", "8:13 tls.versions out-of-range"),
        ("  handshake-timeout: 30s", "  handshake-timeout: 30", "9:22 tls.handshake-timeout bad-value"),
        ("  handshake-timeout: 30s", "  handshake-timeout: 0s", "9:22 tls.handshake-timeout out-of-range"),
        ("  handshake-timeout: 30s", "  handshake-timeout: 1h", "9:22 tls.handshake-timeout out-of-range"),
        (
            "  require-client-auth-eku: true", "  require-client-auth-eku: yes",
            "10:28 tls.require-client-auth-eku bad-value"
        ),
        ("profiles: profiles", "profiles: [a]", "11:11 profiles wrong-kind"),
        ("profiles: profiles", "profile: profiles", "11:1 profile unknown-key"),
        ("  url: embedded", "  url: embeded", "13:8 upstream.url bad-value"),
        ("  url: embedded", "  url: http://x", "13:8 upstream.url bad-value"),
        ("  url: embedded", "  url: tcp://host:99999", "13:8 upstream.url bad-value"),
        ("  url: embedded", "  url: unix:relative", "13:8 upstream.url bad-value"),
        ("  url: embedded", "  url: embedded\n  ca: ca.pem", "14:7 upstream.ca conflicting-keys"),
        ("  url: embedded", "  url: embedded\n  user-name: x", "14:14 upstream.user-name conflicting-keys"),
        ("  url: embedded", "  url: tcp://h\n  ca: ca.pem", "14:7 upstream.ca conflicting-keys"),
        ("  url: embedded", "  url: tcp://h\n  embedded: {data: d}", "14:3 upstream.embedded conflicting-keys"),
        ("  url: embedded", "  url: tls://h\n  certificate: c", "14:16 upstream.certificate conflicting-keys"),
        ("  url: embedded", "  url: tls://h\n  key: k", "14:8 upstream.key conflicting-keys"),
        (
            "  url: embedded", "  url: tls://h\n  key-passphrase-env: K",
            "14:23 upstream.key-passphrase-env conflicting-keys"
        ),
        ("  url: embedded", "  url: tcp://h\n  password-file: p", "14:18 upstream.password-file conflicting-keys"),
        ("  url: embedded", "  url: embedded\n  connect-timeout: 1ms", "14:20 upstream.connect-timeout out-of-range"),
        ("  url: embedded", "  url: embedded\n  embedded: {program: x}", "14:14 upstream.embedded.program unknown-key"),
        ("  connections-max: 100", "  connections-max: 0", "15:20 limits.connections-max out-of-range"),
        ("  connections-max: 100", "  connections-max: 1e3", "15:20 limits.connections-max bad-value"),
        (
            "  connections-max: 100", "  connections-max: 10\n  handshakes-in-flight-max: 11",
            "16:3 limits.handshakes-in-flight-max out-of-range"
        ),
        ("  connections-max: 100", "  packet-bytes-max: 1MB", "15:21 limits.packet-bytes-max bad-value"),
        ("  connections-max: 100", "  packet-bytes-max: 1GiB", "15:21 limits.packet-bytes-max out-of-range"),
        ("  connections-max: 100", "  outbound-buffer-max: 1B", "15:24 limits.outbound-buffer-max out-of-range"),
        ("  connections-max: 100", "  connect-timeout: never", "15:20 limits.connect-timeout bad-value"),
        ("  connections-max: 100", "  shutdown-deadline: 2h", "15:22 limits.shutdown-deadline out-of-range"),
        (
            "  connections-max: 100", "  connections-per-address-burst: 0",
            "15:34 limits.connections-per-address-burst out-of-range"
        ),
        ("  listen: \"127.0.0.1:9464\"", "  listen: 9464", "17:11 admin.listen bad-value"),
        ("  listen: \"127.0.0.1:9464\"", "  listen: \"0.0.0.0:9464\"", "17:11 admin.listen bad-value"),
        ("  listen: \"127.0.0.1:9464\"", "  listen: \"::1:9464\"", "17:11 admin.listen bad-value"),
        ("  listen: \"127.0.0.1:9464\"", "  listen: \"example.org:9464\"", "17:11 admin.listen bad-value"),
        ("  listen: \"127.0.0.1:9464\"", "  listen: \"127.0.0.1:99999\"", "17:11 admin.listen bad-value"),
        ("  level: info", "  level: verbose", "19:10 log.level bad-value"),
        ("  format: json", "  format: JSON", "20:11 log.format bad-value"),
        ("event-loops: 2", "event-loops: 0", "21:14 event-loops out-of-range"),
        ("event-loops: 2", "event-loops: auto", "21:14 event-loops bad-value"),
        ("event-loops: 2", "event_loops: 2", "21:1 event_loops unknown-key"),
        ("event-loops: 2", "<<: 2", "21:1 << unknown-key"),
    ]

    @Test(arguments: mistakes)
    func everyMistakeIsSaidAtItsPlace(_ mistake: (line: String, replacement: String, expected: String)) throws {
        let text = sound.split(separator: "\n").map { $0 == mistake.line[...] ? mistake.replacement[...] : $0 }
            .joined(separator: "\n")
        #expect(text != sound)
        let found = read(text).mistakes.map { "\($0.location.line):\($0.location.column) \($0.key) \($0.code)" }
        // A key that was renamed is missing under its right name as well.
        #expect(found.contains(mistake.expected), "\(found)")
        #expect(found.count <= 2)
    }

    @Test(arguments: [
        ("client_ca: x", "client-ca"), ("certificat: x", "certificate"), ("handshake-timeut: 1s", "handshake-timeout"),
    ])
    func aMisspeltKeyGetsAHint(line: String, hint: String) throws {
        let (_, mistakes) = read(sound.replacing("  require-client-auth-eku: true", with: "  " + line))
        #expect(mistakes.contains { $0.hint?.contains(hint) == true }, "\(mistakes)")
    }

    @Test func allMistakesAreSaidAtOnce() {
        let (configuration, mistakes) = read(
            """
            listener: {address: nowhere, port: 0x10}
            tls: {certificate: , versions: [1.0], handshake-timeout: 5}
            upstream: {url: ftp://x}
            limits: {connections-max: many, unknown: 1}
            admin: {listen: "*:80"}
            log: {level: loud}
            event-loops: -1
            extra: 1
            """)
        #expect(configuration == nil)
        let keys = Set(mistakes.map(\.key))
        for key in [
            "listener.address", "listener.port", "tls.certificate", "tls.key", "tls.client-ca", "tls.versions[0]",
            "tls.handshake-timeout", "profiles", "upstream.url", "limits.connections-max", "limits.unknown",
            "admin.listen", "log.level", "event-loops", "extra",
        ] {
            #expect(keys.contains(key), "\(key) is missing")
        }
    }

    @Test func aFolderTooDeepForTheEmbeddedBrokersSocketIsAMistake() {
        let deep = "/" + String(repeating: "d", count: 100)
        let (configuration, mistakes) = read(
            sound.replacing("  url: embedded", with: "  url: embedded\n  embedded:\n    data: \(deep)"))
        #expect(configuration == nil)
        let found = mistakes.map { "\($0.location.line):\($0.location.column) \($0.key) \($0.code)" }
        #expect(found == ["15:11 upstream.embedded.data bad-value"])
    }

    @Test func filesAreMadeOutInAConfigurationThatCannotBeUsed() {
        let collector = MistakeCollector()
        let text = """
            listener: {port: none}
            tls: {certificate: c.pem, client-ca: [a.pem, b.pem]}
            profiles: p
            upstream: {url: "mqtt://b", ca: u.pem, certificate: g.pem, key: g.key, user-name: x, password-file: pw}
            """
        guard let node = YAMLDocument.parse(text, file: "/f/x.yaml", reporting: collector) else {
            Issue.record("\(collector.mistakes)")
            return
        }
        let (configuration, files) = ConfigurationReader.read(node, file: "/f/x.yaml", reporting: collector)
        #expect(configuration == nil)
        #expect(files.certificate?.value == "/f/c.pem")
        #expect(files.trust?.bundles.first?.files.map(\.value) == ["/f/a.pem", "/f/b.pem"])
        #expect(files.profiles?.value == "/f/p")
        #expect(files.upstream.tls?.ca?.value == "/f/u.pem")
        #expect(files.upstream.tls?.key?.file.value == "/f/g.key")
        #expect(files.upstream.passwordFile?.value == "/f/pw")
        #expect(files.tls == nil && files.upstream.mosquitto == nil)
    }

    @Test(arguments: ["- a", "text", "[]", "42"])
    func aDocumentThatIsNoMappingIsAMistake(text: String) {
        #expect(read(text).mistakes.map(\.code.description) == ["wrong-kind"])
    }

    @Test func theAdminListenerCanBeOpenedOrSwitchedOff() throws {
        let open = read(sound.replacing("listen: \"127.0.0.1:9464\"", with: "{listen: \"0.0.0.0:80\"}"))
        #expect(!open.mistakes.isEmpty)
        let allowed = read(
            sound.replacing(
                "  listen: \"127.0.0.1:9464\"", with: "  listen: \"0.0.0.0:80\"\n  allow-non-loopback: true"))
        #expect(allowed.mistakes.isEmpty, "\(allowed.mistakes)")
        #expect(allowed.configuration?.admin.address?.description == "0.0.0.0:80")
        let off = read(sound.replacing("  listen: \"127.0.0.1:9464\"", with: "  enabled: false"))
        #expect(off.configuration?.admin.address == nil)
        #expect(off.mistakes.isEmpty)
    }

    @Test func externalBrokersAreRead() throws {
        let text = sound.replacing(
            "  url: embedded",
            with:
                "  url: tls://broker.example\n  ca: b.pem\n  user-name: fg\n  password-file: pw\n  connack-timeout: 3s")
        let (configuration, mistakes) = read(text)
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        guard case .external(let address, let tls?) = found.upstream.broker else {
            Issue.record("\(found.upstream.broker)")
            return
        }
        #expect(address.description == "tls://broker.example:8883")
        #expect(tls.ca?.value == "/etc/fg/b.pem")
        #expect(found.upstream.userName == "fg")
        #expect(found.upstream.passwordFile?.value == "/etc/fg/pw")
        #expect(found.limits.upstreamConnackTimeout == .seconds(3))
    }

    @Test(arguments: [
        ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65535), ("host:0", "host", 0),
    ])
    func hostAndPortAreSplit(text: String, host: String, port: Int) throws {
        let found = try #require(HostAndPort.split(text))
        #expect(found == (host, port))
    }

    @Test(arguments: ["", ":", ":1", "a", "a:", "a:b", "a:-1", "a:+1", "a:65536", "a:000001", "::1:1", "[]:1", "a: 1"])
    func whatIsNoHostAndPortIsRefused(text: String) {
        #expect(HostAndPort.split(text) == nil)
    }
}
