import AdminAPI
import Gateway

/// The configuration that `init` writes: every section, with what its keys mean.
enum ConfigurationTemplate {
    static func text(listener: ListenerSettings, admin: AdminAddress) -> String {
        """
        # FleetGate's configuration. Paths are relative to this file's folder. Unknown keys are errors.
        # After a change: `fleetgate check --config fleetgate.yaml`; then `fleetgate reload --config fleetgate.yaml`
        # (or SIGHUP) has a running gateway take over profiles, certificates and CAs. Everything else takes a restart.

        # Where devices connect.
        listener:
          name: default                 # what profiles may ask for in `match.listener`
          address: "\(listener.address)"
          port: \(listener.port)

        tls:
          # The gateway's own certificate, followed by intermediates if there are any, and its key. Nobody but the
          # owner (and, to read, the group) may have access to the key.
          certificate: server.pem
          key: server.key
          # For an encrypted key, one of:
          # key-passphrase-file: server.passphrase
          # key-passphrase-env: FLEETGATE_KEY_PASSPHRASE

          # The CAs that device certificates must come from: one file or a list of files.
          client-ca: ca/ca.pem

          # TLS 1.3 takes mbedTLS 3.6.6 or later; `fleetgate version` says what there is.
          versions: [1.2, 1.3]
          # From a device's connection to the end of its handshake. Slow radio and small processors need this long.
          handshake-timeout: 30s
          # Refuse device certificates that do not say that they are for clients.
          require-client-auth-eku: true

        # The folder of device profiles: who gets in, and what each may do. DeviceProfiles/README.md of the project
        # describes the format. `fleetgate profile` checks, compares and applies; `fleetgate explain` says what a
        # certificate gets, and why.
        profiles: profiles

        # Single devices: who is registered, suspended, retired; pinned certificates, passwords. See `fleetgate device`.
        registry: registry.sqlite

        # The broker behind the gateway: `embedded` is a mosquitto that FleetGate starts for itself alone.
        # Others: tcp://broker.example:1883, tls://broker.example:8883, unix:/run/broker.sock
        upstream:
          url: embedded
          embedded:
            mosquitto: /usr/sbin/mosquitto
            data: broker
          connect-timeout: 5s
          connack-timeout: 10s
          # For tls:// – the broker's CA, and the gateway's own certificate if the broker asks for one:
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
}

/// The README that `init` writes.
enum ReadmeTemplate {
    static func text(port: Int, admin: AdminAddress) -> String {
        """
        # A FleetGate for development

        | | |
        | --- | --- |
        | `fleetgate.yaml` | the configuration, with comments |
        | `ca/` | the development CA: `ca.pem` (give it to devices) and `ca.key` (keep it) |
        | `server.pem`, `server.key` | the gateway's certificate and key |
        | `profiles/` | device profiles: which certificate gets what |
        | `devices/` | a place for device certificates |
        | `registry.sqlite` | single devices: states, pins, passwords. Made at the first start |
        | `admin.sock` | while the gateway runs: where `fleetgate reload`, `device` and `explain --device` ask it |

        All commands are for this folder.

        ## Start

            fleetgate check --config fleetgate.yaml
            fleetgate serve --config fleetgate.yaml

        ## A first device

        An electricity meter, as `profiles/smart-meter.yaml` has it:

            fleetgate ca issue --ca ca --subject "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711" --out devices/meter-4711

            mosquitto_pub -h localhost -p \(port) --cafile ca/ca.pem \\
              --cert devices/meter-4711.pem --key devices/meter-4711.key \\
              -q 1 -t meters/hamburg-nord/meter-4711/telemetry -m '{"kWh": 4711.5}'

        A topic of another device is refused:

            mosquitto_pub -V 5 -h localhost -p \(port) --cafile ca/ca.pem \\
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

        ## In production

        The CA here is for development. Put the CA of your own PKI into `tls.client-ca`, a certificate that your devices
        trust into `tls.certificate`, and keep both keys where only FleetGate can read them.

        """
    }
}
