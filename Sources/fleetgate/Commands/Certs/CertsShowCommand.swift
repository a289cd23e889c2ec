import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// `fleetgate certs show`.
struct CertsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything that is known of certificates.",
        discussion: """
            A certificate is named by its SHA-256 fingerprint or the beginning of it (at least 8 digits), by its \
            serial number, or by its device: tenant/device, or the device id alone in any tenant.

            EXAMPLES
              fleetgate certs show -c gate/fleetgate.yaml 3f5c2a9be0417d66
              fleetgate certs show -c gate/fleetgate.yaml meter-4711 --json
              fleetgate certs show -c gate/fleetgate.yaml 3f5c2a9be0417d66 --pem > seen.pem
            """)

    @OptionGroup var gateway: GatewayOptions

    @Argument(help: "A fingerprint, a serial number or a device.")
    var name: String

    @Flag(help: "Print the certificates themselves. Not known where only resumed sessions were seen.")
    var pem = false

    @Flag(help: "Print a JSON array instead of text.")
    var json = false

    func validate() throws {
        if name.isEmpty { throw ValidationError("what is to be shown has to be named") }
        if pem, json { throw ValidationError("--pem and --json exclude each other; --json has it") }
    }

    func run() async throws {
        let source = try await ObservationAccess.source(at: gateway.location())
        try await show(source) { print($0) }
    }

    func show(_ source: any ObservationSource, print: (String) -> Void) async throws {
        let found = try await find(source)
        guard !found.isEmpty else { throw CommandFailure("no certificate is known by \(LogText.visible(name))") }
        let listings = found.map { CertificateListing($0) }
        if json {
            print(try JSONText.encode(listings))
        } else if pem {
            let known = listings.filter { !$0.certificate.der.isEmpty }
            guard !known.isEmpty else {
                throw CommandFailure("only resumed sessions were seen with it: the certificate itself is not known")
            }
            print(known.map(\.pem).joined().trimmingCharacters(in: .newlines))
        } else {
            let now = DeviceTimes.now
            print(listings.map { $0.text(now: now) }.joined(separator: "\n\n"))
        }
    }

    /// The first way of naming that finds something.
    private func find(_ source: any ObservationSource) async throws -> [ObservedCertificate] {
        var queries: [CertificateQuery] = []
        let digits = name.lowercased().filter { $0 != ":" }
        if digits.allSatisfy(\.isHexDigit), (8...64).contains(digits.count) {
            var query = CertificateQuery()
            query.fingerprint = digits
            queries.append(query)
        }
        if digits.allSatisfy(\.isHexDigit) {
            var query = CertificateQuery()
            query.serialNumber = digits
            queries.append(query)
        }
        if let key = DeviceKey(parsing: name) {
            var query = CertificateQuery()
            query.device = "\(key)"
            queries.append(query)
        }
        for var query in queries {
            query.includesDER = true
            query.limit = 50
            let found = try await source.certificates(query)
            // A part of the name is what the query finds; all of it is what was named.
            let exact = query.device.map { device in found.filter { $0.device == device } } ?? found
            if !exact.isEmpty { return exact }
        }
        return name.contains("/") ? [] : try await ofAnyTenant(source)
    }

    /// Those of devices whose id is the name, whatever their tenant.
    private func ofAnyTenant(_ source: any ObservationSource) async throws -> [ObservedCertificate] {
        var query = CertificateQuery()
        query.device = "/" + name
        query.includesDER = true
        query.limit = 50
        return try await source.certificates(query).filter { $0.device.hasSuffix("/" + name) }
    }
}
