/// A device's private key and the certificates it shows. Both are empty for a device that shows none
/// (``CredentialKind/none``).
struct DeviceCredential: Sendable, CustomStringConvertible {
    /// The device's certificate, then the intermediates up to but not including the root.
    let chainPEM: String
    /// PKCS#8, not encrypted. A secret: never printed.
    let privateKeyPEM: String

    /// What a device without a certificate has.
    static let none = DeviceCredential(chainPEM: "", privateKeyPEM: "")

    var description: String { "DeviceCredential" }
}
