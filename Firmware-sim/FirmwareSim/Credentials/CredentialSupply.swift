/// Where a run's credentials come from, and what its devices trust.
struct CredentialSupply: Sendable {
    let issuer: CredentialIssuer
    /// The CAs that a server's certificate must lead to, PEM.
    let serverAuthoritiesPEM: String
}
