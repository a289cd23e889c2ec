/// A device's private key and the certificates it shows.
struct DeviceCredential: Sendable, CustomStringConvertible {
    /// The device's certificate, then the intermediates up to but not including the root.
    let chainPEM: String
    /// PKCS#8, not encrypted. A secret: never printed.
    let privateKeyPEM: String

    var description: String { "DeviceCredential" }
}
