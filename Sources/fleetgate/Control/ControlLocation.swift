/// Where a gateway and its registry are to be found.
struct ControlLocation: Sendable, Hashable {
    /// The path of the admin socket.
    let socketPath: String
    /// The path of the registry's file, for when no gateway runs; nil: it is not known.
    let registryPath: String?
    /// The path of the file of observations, for when no gateway runs; nil: it is not known, or there is none.
    var observationsPath: String? = nil
}
