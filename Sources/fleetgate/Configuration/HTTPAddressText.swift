import FleetPolicy

/// Addresses of lists and responders as an operator writes them.
enum HTTPAddressText {
    /// Reports what is no `http://` or `https://` address.
    static func check(_ address: Located<String>, _ mistakes: MistakeCollector) {
        do throws(HTTPFetchError) {
            _ = try HTTPAddress(address.value)
        } catch {
            mistakes.report(
                .badValue, at: address.location, key: address.key, "`\(address.value)`: \(error.description)",
                hint: "http://host/path or https://host/path")
        }
    }
}
