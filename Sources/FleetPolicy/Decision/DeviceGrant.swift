/// What one device may do: its identity, its limits, and its answers to every packet.
///
/// Immutable and safe to use from any thread. A grant holds only what differs between the devices of a profile; the
/// compiled rules are shared. The questions about topics allocate nothing and take bytes as they stand in the packet.
public final class DeviceGrant: Sendable {
    /// Unique within the tenant: 1 to 128 bytes, no `+ # /`, no control characters, not beginning with `$`.
    public let deviceID: String
    /// As restricted as the device id.
    public let tenant: String
    private let profile: CompiledProfile
    private let values: PlaceholderValues

    init(deviceID: String, tenant: String, profile: CompiledProfile, values: PlaceholderValues) {
        self.deviceID = deviceID
        self.tenant = tenant
        self.profile = profile
        self.values = values
    }

    /// The profile the device was given. One of the names in the operator's files, so fit for a metric's label.
    public var profileName: String { profile.name }

    public var limits: DeviceLimits { profile.limits }

    /// Whether the device may publish a message to a topic name.
    public func permitsPublish(topic: Span<UInt8>, qos: UInt8, retain: Bool) -> PublishVerdict {
        profile.rules.publishVerdict(topic: topic, qos: qos, retain: retain, values: values)
    }

    /// Whether the device may leave a will on a topic name.
    public func permitsWill(topic: Span<UInt8>, qos: UInt8, retain: Bool) -> PublishVerdict {
        profile.rules.willVerdict(topic: topic, qos: qos, retain: retain, values: values)
    }

    /// Whether the device may subscribe to a topic filter, with or without `$share/group/` before it.
    ///
    /// Permitted only when one entry of the profile allows every topic that the filter can match, and the filter can
    /// match no topic that a deny entry names.
    public func permitsSubscribe(filter: Span<UInt8>, qos: UInt8) -> SubscribeVerdict {
        profile.rules.subscribeVerdict(filter: filter, qos: qos, values: values)
    }

    /// Whether a message that the broker sends may reach the device: the check on the way down, which also holds for
    /// subscriptions that a kept session brought along from an earlier grant.
    public func permitsDelivery(topic: Span<UInt8>) -> Bool {
        profile.rules.permitsDelivery(topic: topic, values: values)
    }

    /// Whether both grants are for the same device of the same tenant, whatever they permit.
    public func sameIdentity(as other: DeviceGrant) -> Bool {
        // Byte for byte, as the broker will compare them.
        deviceID.utf8.elementsEqual(other.deviceID.utf8) && tenant.utf8.elementsEqual(other.tenant.utf8)
    }
}

extension DeviceGrant: Equatable {
    /// Whether nothing changed for the device: same identity, same profile name, same rules, same limits.
    public static func == (left: DeviceGrant, right: DeviceGrant) -> Bool {
        left === right
            || left.sameIdentity(as: right) && left.values == right.values
                && (left.profile === right.profile || left.profile.grantsTheSame(as: right.profile))
    }
}
