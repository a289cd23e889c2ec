/// What this program is.
enum BuildInformation {
    /// Semantic version; the same as in CHANGELOG.md.
    static let version = "0.1.0"
}
