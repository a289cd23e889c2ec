/// What became of a device that wants to be registered by connecting.
public enum RegistrationOutcome: Sendable, Hashable {
    /// It is registered and active, since now or since before.
    case registered
    /// It is registered, and waits for approval.
    case pending
    /// As many devices are registered under the profile as it permits.
    case quotaExceeded
    /// It could not be written down, or the device is known in a state that does not let it in (`wrong-state`).
    case failed(RegistryError)
}
