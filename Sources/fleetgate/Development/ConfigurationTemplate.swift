import AdminAPI
import Gateway

/// The configuration that `init` writes: every section, with what its keys mean.
enum ConfigurationTemplate {
    static func text(listener: ListenerSettings, admin: AdminAddress, anchor: AnchorText = .ownCA) -> String {
        """
        # FleetGate's configuration. Paths are relative to this file's folder. Unknown keys are errors.
        # After a change: `fleetgate check --config fleetgate.yaml`; then `fleetgate reload --config fleetgate.yaml`
        # (or SIGHUP) has a running gateway take over profiles and the sections `tls` and `trust` with all their files.
        # Everything else takes a restart.

        # Where devices connect.
        listener:
          name: default                 # what profiles may ask for in `match.listener`
          address: "\(listener.address)"
          port: \(listener.port)

        # Or several, each with a name of its own, in place of `listener`:
        # listeners:
        #   field: {address: "0.0.0.0", port: 8883}
        #   plant: {address: "192.0.2.10", port: 8884}

        tls:
          # The gateway's own certificate, followed by intermediates if there are any, and its key. Nobody but the
          # owner (and, to read, the group) may have access to the key.
          certificate: server.pem
          key: server.key
          # For an encrypted key, one of:
          # key-passphrase-file: server.passphrase
          # key-passphrase-env: FLEETGATE_KEY_PASSPHRASE

          # The CAs that device certificates must come from: one file or a list of files. This is the short form of
          # `trust.anchors` with one bundle, `default`, that is trusted at every listener.
          client-ca: \(anchor.file)

          # TLS 1.3 takes mbedTLS 3.6.6 or later; `fleetgate version` says what there is.
          versions: [1.2, 1.3]
          # From a device's connection to the end of its handshake. Slow radio and small processors need this long.
          handshake-timeout: 30s
          # Refuse device certificates that do not say that they are for clients.
          require-client-auth-eku: true

        \(anchor.lists)\(trust)
        # The folder of device profiles: who gets in, and what each may do. DeviceProfiles/README.md of the project
        # describes the format. `fleetgate profile` checks, compares and applies; `fleetgate explain` says what a
        # certificate gets, and why.
        profiles: profiles

        # Single devices: who is registered, suspended, retired; pinned certificates, passwords. See `fleetgate device`.
        registry: registry.sqlite

        \(records)
        # The broker behind the gateway: `embedded` is a mosquitto that FleetGate starts for itself alone.
        # Others: tcp://broker.example:1883, tls://broker.example:8883, unix:/run/broker.sock
        upstream:
          url: embedded
          embedded:
            mosquitto: /usr/sbin/mosquitto
            data: broker
          connect-timeout: 5s
          connack-timeout: 10s
          # For tls://: the broker's CA, and the gateway's own certificate if the broker asks for one:
          # ca: broker-ca.pem
          # certificate: gateway.pem
          # key: gateway.key
          # For a broker that knows the gateway by name and not the devices:
          # user-name: fleetgate
          # password-file: broker.password

        # Further brokers, for profiles that say `upstream: NAME`. Each has the keys of `upstream`.
        # upstreams:
        #   plant:
        #     url: tcp://plant-broker.example:1883

        # What devices may use up, all together or before it is known who they are. A profile says more.
        limits:
          connections-max: \(GatewayLimits().connectionsMax)
          handshakes-in-flight-max: \(GatewayLimits().handshakesInFlightMax)
          connections-per-address-per-second: \(Int(GatewayLimits().connectionsPerAddressPerSecond))
          connections-per-address-burst: \(Int(GatewayLimits().connectionsPerAddressBurst))
          connect-timeout: 30s          # from the end of the handshake to MQTT's CONNECT
          packet-bytes-max: 256KiB
          outbound-buffer-max: 64KiB    # waiting for a slow device, before its broker connection is not read any more
          shutdown-deadline: 10s

        # Monitoring: /metrics (Prometheus), /healthz, /readyz. It has no authentication: keep it on loopback.
        admin:
          enabled: true
          listen: "\(admin)"
          # The socket of `fleetgate device`, `profile apply` and the like. Nobody but its owner may open it.
          socket: admin.sock

        log:
          level: info                   # trace, debug, info, notice, warning, error, critical
          format: auto                  # text on a terminal, JSON otherwise; or text, or json

        # Threads that carry devices; one for each core if not given.
        # event-loops: 4

        """
    }

    /// Revocation and rules for CAs, as comments: what is there without them is said in each.
    private static let trust = """
        # What else can be asked of certificates, as an example: nothing of it has to be written. There is one section
        # `trust`; add to the one above if there is one.
        # trust:
        #   # CAs by name. The bundle `default` may leave `file` to tls.client-ca. A CA is in one bundle only.
        #   anchors:
        #     fleet:
        #       file: [fleet-root.pem]       # PEM, one file or a list. An intermediate CA may be an anchor too
        #       listeners: [field]           # where it is trusted; all if not given
        #       tenants: [hamburg-nord]      # tenants that its devices may belong to; any if not given
        #       require-client-auth-eku: true
        #       rsa-bits-min: 2048
        #       curve-bits-min: 256
        #       signature-digests: [sha256, sha384, sha512]
        #       chain-depth-max: 4           # the leaf has 0; a root that signs leaves makes it 1
        #       allow-public-ca: false       # CAs of the public web are refused: anybody could get in
        #       crl:
        #         policy: required           # off; optional: a list that is there counts; required: or nobody gets in
        #         grace: 12h                 # of `required`: how long a list may be past its nextUpdate
        #         files: [lists/fleet.crl]   # PEM or DER; changes are noticed while the gateway runs
        #         folders: [lists]
        #         urls: ["http://pki.example/fleet.crl"]
        #         distribution-points: false # follow what certificates name
        #         allow-private-distribution-points: false
        #       ocsp:
        #         policy: soft-fail          # off; soft-fail: no answer lets in; hard-fail: no answer refuses
        #         responder: "http://ocsp.example"  # in place of the one that certificates name
        #         allow-private-responders: false
        #         timeout: 5s
        #         concurrency: 16            # questions in flight at one responder
        #         nonce: optional            # off, optional, required
        #         max-age: 1h                # how long an answer is used: so late a live session hears of a revocation
        #         digest: sha1               # how issuers are named in questions; sha256 if the responder can
        #   # CA certificates between the anchors and devices that send none but their own.
        #   intermediates: [issuing-ca.pem]
        #   # How far a CA's clock may be ahead of this machine's. Devices' clocks do not matter here.
        #   clock-skew: 0s
        #   chain-depth-max: 4
        #   # Trust no CA at all: only certificates that are pinned (`fleetgate device pin`).
        #   pinned-only: false
        #   crl:                             # for lists of all bundles
        #     cache: crl-cache               # fetched lists, for the next start
        #     fetch-timeout: 30s
        #     list-bytes-max: 64MiB
        #     refresh-lead: 1h               # how long before nextUpdate the next list is fetched
        #     alarm-lead: 30m                # how long before nextUpdate the metric fleetgate_crl_alarm says so
        #     retry-interval: 30s
        #     refresh-interval: 1d
        #     poll-interval: 200ms           # between two looks at files and folders
        #   ocsp:
        #     clock-skew: 5m
        #     cache-entries-max: 100000

        """

    private static let records = """
        # Session tickets: devices that come back resume without a new signature. They are judged like new ones. The
        # file is secret; gateways that share it resume each other's sessions. See `fleetgate tickets`.
        tickets:
          enabled: true
          lifetime: 2h                  # after the full handshake
          keys: tickets.keys
          rotation: automatic           # external: the file is somebody else's, and only read
          rotate-every: 12h

        # Every decision and every change by an operator, in files that show what was changed later. `fleetgate audit`.
        audit:
          enabled: true
          folder: audit
          # signing-key: audit/signing-key.pem   # ECDSA P-256, PEM; made when it is missing
          when-full: continue           # refuse: no new sessions while nothing can be written
          file-bytes-max: 64MiB
          file-age-max: 1d
          # keep-days: 365              # older files are deleted; none is if not given
          # keep-bytes: 10GiB
          checkpoint-lines: 1000        # lines between two signatures
          checkpoint-interval: 60s

        # Certificates that were seen, connections that failed, and certificates that seem to be in use twice.
        # `fleetgate certs`, `fleetgate journal`.
        observations:
          enabled: true
          file: observations.sqlite
          journal-rows-max: 100000
          journal-days: 90
          journal-window: 1h            # the same failure within it is one row with a count
          journal-rows-per-minute: 600  # of all addresses; what is beyond is only counted
          journal-rows-per-address: 10  # in a minute; of IPv6 a /64 is one address
          certificates-max: 1000000     # the oldest go first
          certificate-days: 730         # after its end, and after it was seen last
          clones:
            enabled: true
            window: 10m                 # signs within it count together
            points: 12                  # that make a suspicion
            simultaneous: 2h            # sessions in two networks that both last so long
            quiet: 1d                   # a suspicion ends by itself after this long; or never

        """
}

/// The README that `init` writes.
enum ReadmeTemplate {
    static func text(port: Int, admin: AdminAddress, anchor: AnchorText) -> String {
        """
        # A FleetGate for development

        | | |
        | --- | --- |
        | `fleetgate.yaml` | the configuration, with comments |
        \(anchor.row)
        | `server.pem`, `server.key` | the gateway's certificate and key |
        | `profiles/` | device profiles: which certificate gets what |
        | `devices/` | a place for device certificates |
        | `registry.sqlite` | single devices: states, pins, passwords. Made at the first start |
        | `tickets.keys` | keys of session tickets, secret. Made at the first start; `fleetgate tickets` |
        | `audit/` | decisions and changes, signed. Made at the first start; `fleetgate audit` |
        | `observations.sqlite` | certificates seen, failed connections. Made at the first start |
        | `admin.sock` | while the gateway runs: where `fleetgate reload`, `device` and `explain --device` ask it |

        All commands are for this folder.

        ## Start

            fleetgate check --config fleetgate.yaml
            fleetgate serve --config fleetgate.yaml

        ## A first device

        An electricity meter, as `profiles/smart-meter.yaml` has it:

            fleetgate ca issue --ca \(anchor.folder) --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711" --out devices/meter-4711

            mosquitto_pub -h localhost -p \(port) --cafile \(anchor.caFile) \\
              --cert devices/meter-4711.pem --key devices/meter-4711.key \\
              -q 1 -t meters/hamburg-nord/meter-4711/telemetry -m '{"kWh": 4711.5}'

        A topic of another device is refused:

            mosquitto_pub -V 5 -h localhost -p \(port) --cafile \(anchor.caFile) \\
              --cert devices/meter-4711.pem --key devices/meter-4711.key \\
              -q 1 -t meters/hamburg-nord/meter-1/telemetry -m hello

        ## Profiles and devices

        What a certificate gets, and why:

            fleetgate explain --config fleetgate.yaml --cert devices/meter-4711.pem

        After a change of `profiles/`, certificates or CAs:

            fleetgate profile lint --config fleetgate.yaml
            fleetgate reload --config fleetgate.yaml

        Single devices:

            fleetgate device list --config fleetgate.yaml
            fleetgate device disable --config fleetgate.yaml hamburg-nord/meter-4711 --reason "reported stolen"
            fleetgate device enable --config fleetgate.yaml hamburg-nord/meter-4711

        `DeviceProfiles/README.md` of the project describes profiles: all keys, and a walk of five minutes.

        ## Watch

            curl http://\(admin)/metrics
            curl http://\(admin)/readyz

        Why a device does not get in, which certificates end soon, and who did what:

            fleetgate journal --config fleetgate.yaml
            fleetgate certs expiring --config fleetgate.yaml --within 30d
            fleetgate audit search --config fleetgate.yaml

        ## Take a certificate back

            fleetgate revoke --config fleetgate.yaml --cert devices/meter-4711.pem --reason key-compromise

        Its sessions end at once, and it is refused from then on. A CA says the same with a revocation list: see `crl`
        in the section `trust` of `fleetgate.yaml`.

        ## In production

        The CA here is for development. Put the CA of your own PKI into `tls.client-ca`, or into `trust.anchors` with
        its revocation list, a certificate that your devices trust into `tls.certificate`, and keep all keys where only
        FleetGate can read them.

        """
    }
}
