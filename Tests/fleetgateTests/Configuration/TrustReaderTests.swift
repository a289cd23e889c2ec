import AdminAPI
import DeviceRegistry
import FleetPKI
import FleetPolicy
import NIOMbedTLS
import Testing

@testable import fleetgate

/// A configuration with everything that `trust` and its neighbours have, all of it right.
private let sound = """
    listeners:
      field: {address: "127.0.0.1", port: 8883}
      plant: {address: "127.0.0.1", port: 8884}
    tls:
      certificate: server.pem
      key: server.key
    profiles: profiles
    trust:
      clock-skew: 90s
      chain-depth-max: 5
      intermediates: [issuing.pem]
      anchors:
        fleet:
          file: fleet.pem
          listeners: [field]
          tenants: [hamburg, elbe]
          require-client-auth-eku: false
          rsa-bits-min: 3072
          curve-bits-min: 384
          signature-digests: [sha384, sha512]
          chain-depth-max: 2
          allow-public-ca: true
          crl:
            policy: required
            grace: 12h
            files: lists/fleet.crl
            folders: [lists]
            urls: ["http://pki.example/fleet.crl"]
            distribution-points: true
            allow-private-distribution-points: true
          ocsp:
            policy: hard-fail
            responder: "http://ocsp.example/x"
            allow-private-responders: true
            timeout: 2s
            concurrency: 4
            nonce: required
            max-age: 10m
            digest: sha256
        plant:
          file: [a.pem, b.pem]
          listeners: [plant]
      crl:
        cache: cached
        fetch-timeout: 10s
        list-bytes-max: 1MiB
        refresh-lead: 2h
        alarm-lead: 1h
        retry-interval: 5s
        refresh-interval: 6h
        poll-interval: 100ms
      ocsp:
        clock-skew: 1m
        cache-entries-max: 5
    tickets:
      enabled: true
      lifetime: 1h
      keys: shared/tickets.keys
      rotation: automatic
      rotate-every: 6h
    audit:
      enabled: true
      folder: trail
      signing-key: trail.key
      when-full: refuse
      file-bytes-max: 2MiB
      file-age-max: 1h
      keep-days: 400
      keep-bytes: 10MiB
      checkpoint-lines: 10
      checkpoint-interval: 5s
    observations:
      enabled: true
      file: seen.sqlite
      journal-rows-max: 5000
      journal-days: 10
      journal-window: 10m
      journal-rows-per-minute: 50
      journal-rows-per-address: 5
      certificates-max: 2000
      certificate-days: 100
      clones:
        enabled: true
        window: 5m
        points: 8
        simultaneous: 1h
        quiet: never
    """

@Suite struct TrustReaderTests {
    func read(_ text: String) -> (configuration: FleetGateConfiguration?, mistakes: [OperatorMistake]) {
        let collector = MistakeCollector()
        let configuration = YAMLDocument.parse(text, file: "/etc/fg/fleetgate.yaml", reporting: collector).flatMap {
            ConfigurationReader.read($0, file: "/etc/fg/fleetgate.yaml", reporting: collector).configuration
        }
        return (configuration, collector.mistakes)
    }

    @Test func everyKeyIsRead() throws {
        let (configuration, mistakes) = read(sound)
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        #expect(found.listeners.map(\.text) == ["127.0.0.1:8883", "127.0.0.1:8884"])
        #expect(found.listener.name == "field")
        let trust = found.trust
        #expect(trust.clockSkew == .seconds(90) && trust.chainDepthMax == 5 && !trust.isPinnedOnly)
        #expect(trust.intermediates.map(\.value) == ["/etc/fg/issuing.pem"])
        let fleet = try #require(trust.bundles.first)
        #expect(fleet.name == "fleet" && fleet.files.map(\.value) == ["/etc/fg/fleet.pem"])
        #expect(fleet.isTrusted(at: "field") && !fleet.isTrusted(at: "plant") && fleet.allowsPublicCA)
        #expect(
            fleet.rules
                == TLSAnchorRules(
                    requiresClientAuthExtendedKeyUsage: false, rsaBitsMin: 3072, curveBitsMin: 384,
                    signatureDigests: [.sha384, .sha512], chainDepthMax: 2))
        #expect(
            fleet.anchorRules
                == TrustAnchorRules(
                    name: "fleet", tenants: ["hamburg", "elbe"], lists: .required(graceSeconds: 43_200),
                    ocsp: .hardFail))
        let lists = try #require(trust.revocation.bundles["fleet"])
        #expect(
            lists.sources == [
                .file("/etc/fg/lists/fleet.crl"), .folder("/etc/fg/lists"), .url("http://pki.example/fleet.crl"),
            ])
        #expect(lists.usesDistributionPoints && lists.allowsPrivateDistributionPoints)
        #expect(trust.revocation.cacheFolder == "/etc/fg/cached" && trust.revocation.listBytesMax == 1 << 20)
        #expect(trust.revocation.pollInterval == .milliseconds(100))
        let ocsp = try #require(trust.ocsp.bundles["fleet"])
        #expect(ocsp.responder == "http://ocsp.example/x" && ocsp.nonce == .required && ocsp.digest == .sha256)
        #expect(ocsp.timeout == .seconds(2) && ocsp.concurrency == 4 && ocsp.maxAge == .seconds(600))
        #expect(trust.ocsp.clockSkew == .seconds(60) && trust.ocsp.cacheEntriesMax == 5)
        #expect(trust.ocsp.bundles["plant"]?.policy == .off)
    }

    @Test func everyRecordIsRead() throws {
        let found = try #require(read(sound).configuration)
        #expect(found.tickets.file?.value == "/etc/fg/shared/tickets.keys")
        #expect(found.tickets.lifetime == .seconds(3600) && found.tickets.rotationInterval == .seconds(21_600))
        let audit = try #require(found.audit)
        #expect(audit.folder == "/etc/fg/trail" && audit.signingKey == "/etc/fg/trail.key")
        #expect(audit.whenFull == .refuse && audit.keepDays == 400 && audit.checkpointSeconds == 5)
        let observations = try #require(found.observations)
        #expect(observations.file == "/etc/fg/seen.sqlite" && observations.limits.journalRowsMax == 5000)
        #expect(observations.clones?.pointsMin == 8 && observations.cloneQuietSeconds == nil)
    }

    @Test func theShortFormIsOneBundleForAllListeners() throws {
        let (configuration, mistakes) = read("tls: {certificate: c, key: k, client-ca: [a, /b]}\nprofiles: p\n")
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        let bundle = try #require(found.trust.bundles.first)
        #expect(found.trust.bundles.count == 1 && bundle.name == "default" && bundle.listeners == nil)
        #expect(bundle.files.map(\.value) == ["/etc/fg/a", "/b"])
        #expect(bundle.rules == TLSAnchorRules(chainDepthMax: 4))
        #expect(bundle.anchorRules == TrustAnchorRules(name: "default"))
        #expect(found.trust.clockSkew == .zero)
        #expect(found.tickets.file?.value == "/etc/fg/tickets.keys" && found.tickets.lifetime == .seconds(7200))
        #expect(found.audit?.folder == "/etc/fg/audit" && found.audit?.whenFull == .continue)
        #expect(found.observations?.file == "/etc/fg/observations.sqlite")
        #expect(found.trust.revocation.cacheFolder == "/etc/fg/crl-cache")
    }

    @Test func theShortFormCanHaveRules() throws {
        let text = """
            tls: {certificate: c, key: k, client-ca: a, require-client-auth-eku: false}
            profiles: p
            trust: {anchors: {default: {crl: {policy: required, files: f}}}}
            """
        let (configuration, mistakes) = read(text)
        #expect(mistakes.isEmpty, "\(mistakes)")
        let bundle = try #require(configuration?.trust.bundles.first)
        #expect(bundle.files.map(\.value) == ["/etc/fg/a"] && bundle.lists == .required(graceSeconds: 0))
        #expect(!bundle.rules.requiresClientAuthExtendedKeyUsage)
    }

    @Test func theShortFormStandsBesideOtherBundles() throws {
        let text = """
            tls: {certificate: c, key: k, client-ca: a}
            profiles: p
            trust: {anchors: {fleet: {file: b}}}
            """
        let (configuration, mistakes) = read(text)
        #expect(mistakes.isEmpty, "\(mistakes)")
        #expect(configuration?.trust.bundles.map(\.name) == ["fleet", "default"])
    }

    @Test(arguments: ["tls: {certificate: c, key: k}", "tls: {certificate: c, key: k, client-ca: []}"])
    func pinnedOnlyNeedsNoCA(tls: String) throws {
        let (configuration, mistakes) = read("\(tls)\nprofiles: p\ntrust: {pinned-only: true}\n")
        #expect(mistakes.isEmpty, "\(mistakes)")
        #expect(configuration?.trust.bundles.isEmpty == true && configuration?.trust.isPinnedOnly == true)
    }

    @Test func allIsOffWhereItSaysSo() throws {
        let text = """
            tls: {certificate: c, key: k, client-ca: a}
            profiles: p
            tickets: {enabled: false}
            audit: {enabled: false}
            observations: {enabled: false}
            """
        let (configuration, mistakes) = read(text)
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(configuration)
        #expect(found.tickets.file == nil && found.audit == nil && found.observations == nil)
    }

    /// What replaces a line of the sound configuration, and the mistake that comes of it.
    static let mistakes: [(line: String, replacement: String, expected: String)] = [
        ("  plant: {address: \"127.0.0.1\", port: 8884}", "  plant: {port: none}", "listeners.plant.port bad-value"),
        (
            "  plant: {address: \"127.0.0.1\", port: 8884}", "  plant: {address: \"127.0.0.1\", port: 8883}",
            "listeners.plant conflicting-keys"
        ),
        (
            "  plant: {address: \"127.0.0.1\", port: 8884}", "  plant: {address: \"127.0.0.1\", name: x}",
            "listeners.plant.name unknown-key"
        ),
        ("  plant: {address: \"127.0.0.1\", port: 8884}", "  Plant: {port: 1}", "listeners.Plant bad-value"),
        ("profiles: profiles", "profiles: profiles\nlistener: {port: 1}", "listeners conflicting-keys"),
        ("  clock-skew: 90s", "  clock-skew: 2d", "trust.clock-skew out-of-range"),
        ("  clock-skew: 90s", "  clock-skew: 90", "trust.clock-skew bad-value"),
        ("  clock-skew: 90s", "  clockskew: 90s", "trust.clockskew unknown-key"),
        ("  chain-depth-max: 5", "  chain-depth-max: 0", "trust.chain-depth-max out-of-range"),
        ("  chain-depth-max: 5", "  chain-depth-max: 1", "trust.anchors.fleet.chain-depth-max out-of-range"),
        ("  clock-skew: 90s", "  pinned-only: true", "trust.pinned-only conflicting-keys"),
        ("  intermediates: [issuing.pem]", "  intermediates: {a: b}", "trust.intermediates wrong-kind"),
        ("      file: fleet.pem", "      files: fleet.pem", "trust.anchors.fleet.files unknown-key"),
        ("      file: fleet.pem", "      file: []", "trust.anchors.fleet.file missing-key"),
        ("      listeners: [field]", "      listeners: [sea]", "trust.anchors.fleet.listeners[0] unknown-name"),
        ("      listeners: [field]", "      listeners: []", "trust.anchors.fleet.listeners bad-value"),
        ("      listeners: [field]", "      listeners: [plant]", "trust.anchors missing-key"),
        ("      tenants: [hamburg, elbe]", "      tenants: []", "trust.anchors.fleet.tenants bad-value"),
        ("      tenants: [hamburg, elbe]", "      tenants: [\"\"]", "trust.anchors.fleet.tenants[0] bad-value"),
        ("      tenants: [hamburg, elbe]", "      tenants: hamburg", "trust.anchors.fleet.tenants wrong-kind"),
        ("      rsa-bits-min: 3072", "      rsa-bits-min: 1024", "trust.anchors.fleet.rsa-bits-min out-of-range"),
        ("      curve-bits-min: 384", "      curve-bits-min: 224", "trust.anchors.fleet.curve-bits-min out-of-range"),
        (
            "      signature-digests: [sha384, sha512]", "      signature-digests: [sha1]",
            "trust.anchors.fleet.signature-digests[0] bad-value"
        ),
        (
            "      signature-digests: [sha384, sha512]", "      signature-digests: []",
            "trust.anchors.fleet.signature-digests bad-value"
        ),
        ("      allow-public-ca: true", "      allow-public-ca: yes", "trust.anchors.fleet.allow-public-ca bad-value"),
        ("        policy: required", "        policy: must", "trust.anchors.fleet.crl.policy bad-value"),
        ("        policy: required", "        policy: off", "trust.anchors.fleet.crl.policy conflicting-keys"),
        ("        policy: required", "        policy: optional", "trust.anchors.fleet.crl.grace conflicting-keys"),
        ("        grace: 12h", "        grace: 2000d", "trust.anchors.fleet.crl.grace out-of-range"),
        ("        grace: 12h", "        grace: 500ms", "trust.anchors.fleet.crl.grace bad-value"),
        (
            "        urls: [\"http://pki.example/fleet.crl\"]", "        urls: [\"ldap://pki.example/x\"]",
            "trust.anchors.fleet.crl.urls[0] bad-value"
        ),
        (
            "        urls: [\"http://pki.example/fleet.crl\"]", "        urls: [\"http://user@pki.example/x\"]",
            "trust.anchors.fleet.crl.urls[0] bad-value"
        ),
        (
            "        distribution-points: true", "        distribution-points: false",
            "trust.anchors.fleet.crl.allow-private-distribution-points conflicting-keys"
        ),
        ("        policy: hard-fail", "        policy: off", "trust.anchors.fleet.ocsp.responder conflicting-keys"),
        ("        policy: hard-fail", "        policy: hard", "trust.anchors.fleet.ocsp.policy bad-value"),
        (
            "        responder: \"http://ocsp.example/x\"", "        responder: ocsp.example",
            "trust.anchors.fleet.ocsp.responder bad-value"
        ),
        ("        timeout: 2s", "        timeout: 2h", "trust.anchors.fleet.ocsp.timeout out-of-range"),
        ("        concurrency: 4", "        concurrency: 0", "trust.anchors.fleet.ocsp.concurrency out-of-range"),
        ("        nonce: required", "        nonce: always", "trust.anchors.fleet.ocsp.nonce bad-value"),
        ("        max-age: 10m", "        max-age: 1s", "trust.anchors.fleet.ocsp.max-age out-of-range"),
        ("        digest: sha256", "        digest: md5", "trust.anchors.fleet.ocsp.digest bad-value"),
        ("    fetch-timeout: 10s", "    fetch-timeout: 0s", "trust.crl.fetch-timeout out-of-range"),
        ("    list-bytes-max: 1MiB", "    list-bytes-max: 1TB", "trust.crl.list-bytes-max bad-value"),
        ("    poll-interval: 100ms", "    poll-interval: 1ms", "trust.crl.poll-interval out-of-range"),
        ("    cache-entries-max: 5", "    cache-entries-max: 0", "trust.ocsp.cache-entries-max out-of-range"),
        ("  lifetime: 1h", "  lifetime: 8d", "tickets.lifetime out-of-range"),
        ("  lifetime: 1h", "  lifetime: 1s", "tickets.lifetime out-of-range"),
        ("  rotation: automatic", "  rotation: external", "tickets.rotate-every conflicting-keys"),
        ("  rotation: automatic", "  rotation: off", "tickets.rotation bad-value"),
        ("  rotate-every: 6h", "  rotate-every: 31d", "tickets.rotate-every out-of-range"),
        ("  folder: trail", "  folders: trail", "audit.folders unknown-key"),
        ("  when-full: refuse", "  when-full: wait", "audit.when-full bad-value"),
        ("  keep-bytes: 10MiB", "  keep-bytes: 1MiB", "audit.keep-bytes out-of-range"),
        ("  file-bytes-max: 2MiB", "  file-bytes-max: 20MiB", "audit.keep-bytes out-of-range"),
        ("  keep-days: 400", "  keep-days: 0", "audit.keep-days out-of-range"),
        ("  checkpoint-interval: 5s", "  checkpoint-interval: 5ms", "audit.checkpoint-interval out-of-range"),
        ("  file: seen.sqlite", "  path: seen.sqlite", "observations.path unknown-key"),
        ("  journal-rows-max: 5000", "  journal-rows-max: 1", "observations.journal-rows-max out-of-range"),
        ("    points: 8", "    points: 1", "observations.clones.points out-of-range"),
        ("    quiet: never", "    quiet: soon", "observations.clones.quiet bad-value"),
        ("    quiet: never", "    quiet: 1s", "observations.clones.quiet out-of-range"),
    ]

    @Test(arguments: mistakes)
    func everyMistakeIsSaidAtItsKey(_ mistake: (line: String, replacement: String, expected: String)) throws {
        let text = sound.split(separator: "\n").map { $0 == mistake.line[...] ? mistake.replacement[...] : $0 }
            .joined(separator: "\n")
        #expect(text != sound)
        let found = read(text).mistakes
        let texts = found.map { "\($0.key) \($0.code)" }
        #expect(texts.contains(mistake.expected), "\(texts)")
        // A key that was renamed is missing under its right name as well; a wrong listener leaves a bundle nowhere.
        #expect(found.count <= 3, "\(texts)")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for mistake in found { #expect(mistake.location.line >= 1 && mistake.location.line <= lines.count) }
    }

    @Test(arguments: [
        ("enabled: false\n  lifetime: 1h", "tickets.lifetime"), ("enabled: false\n  keys: x", "tickets.keys"),
    ])
    func whatIsSwitchedOffHasNoSettings(section: String, key: String) {
        let text = "tls: {certificate: c, key: k, client-ca: a}\nprofiles: p\ntickets:\n  \(section)\n"
        #expect(read(text).mistakes.map(\.key) == [key])
    }

    @Test func aListThatIsRequiredHasToComeFromSomewhere() {
        let text = """
            tls: {certificate: c, key: k, client-ca: a}
            profiles: p
            trust: {anchors: {default: {crl: {policy: required}}}}
            """
        let mistakes = read(text).mistakes
        #expect(mistakes.map(\.key) == ["trust.anchors.default.crl.policy"])
        #expect(mistakes.first?.message.contains("nobody would get in") == true)
    }

    @Test func aNameThatIsTakenTwiceIsAMistake() {
        let text = """
            tls: {certificate: c, key: k, client-ca: a}
            profiles: p
            trust: {anchors: {default: {file: b}}}
            """
        #expect(read(text).mistakes.map(\.key) == ["trust.anchors.default.file"])
    }

    @Test func withoutAnyAnchorTheWaysOutAreSaid() {
        let mistakes = read("tls: {certificate: c, key: k}\nprofiles: p\n").mistakes
        #expect(mistakes.map(\.key) == ["tls.client-ca"])
        #expect(mistakes.first?.hint?.contains("trust.pinned-only") == true)
        let empty = read("tls: {certificate: c, key: k}\nprofiles: p\ntrust: {anchors: {}}\n").mistakes
        #expect(empty.map(\.key) == ["tls.client-ca"])
    }

    @Test func allMistakesAreSaidAtOnce() {
        let text = sound.replacing("90s", with: "soon").replacing("[hamburg, elbe]", with: "1").replacing(
            "hard-fail", with: "hard"
        ).replacing("1h", with: "1").replacing("never", with: "[]")
        let keys = Set(read(text).mistakes.map(\.key))
        for key in [
            "trust.clock-skew", "trust.anchors.fleet.tenants", "trust.anchors.fleet.ocsp.policy",
            "trust.crl.alarm-lead",
            "tickets.lifetime", "audit.file-age-max", "observations.clones.quiet",
        ] {
            #expect(keys.contains(key), "\(key) is missing of \(keys)")
        }
    }

    @Test func theTemplatesCommentsAreAConfiguration() throws {
        let template = ConfigurationTemplate.text(
            listener: ListenerSettings(address: "127.0.0.1", port: 8883),
            admin: try #require(try? .init(host: "127.0.0.1", port: 9464)))
        var isIn = false
        let lines = template.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            if line == "# trust:" { isIn = true }
            if line.isEmpty { isIn = false }
            return isIn ? line.dropFirst(2) : line
        }
        let text = lines.joined(separator: "\n").replacing("listeners: [field]", with: "listeners: [default]")
        let (configuration, mistakes) = read(text)
        #expect(mistakes.isEmpty, "\(mistakes)")
        #expect(configuration?.trust.bundles.map(\.name) == ["fleet", "default"])
    }
}
