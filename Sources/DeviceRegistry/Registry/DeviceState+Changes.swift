public import FleetPolicy

extension DeviceState {
    /// Whether a device in this state may be put into another one.
    ///
    /// | from | to |
    /// | --- | --- |
    /// | `pending` | `active`, `suspended`, `retired` |
    /// | `active` | `suspended`, `retired` |
    /// | `suspended` | `active`, `retired` |
    /// | `retired` | nothing; with `force`: `active`, `suspended` |
    ///
    /// A retirement is final, so that a scrapped device's name cannot come back by a slip; whoever forces it says so,
    /// and it is in the audit. A device is pending only until somebody has decided about it for the first time.
    public func permits(_ next: DeviceState, force: Bool) -> Bool {
        switch (self, next) {
        case (.pending, .active), (.pending, .suspended), (.pending, .retired): true
        case (.active, .suspended), (.active, .retired): true
        case (.suspended, .active), (.suspended, .retired): true
        case (.retired, .active), (.retired, .suspended): force
        case (.active, .pending), (.suspended, .pending), (.retired, .pending): false
        case (.pending, .pending), (.active, .active), (.suspended, .suspended), (.retired, .retired): true
        }
    }
}
