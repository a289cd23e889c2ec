/// What one device may do: its identity, its limits, and its answers to every packet.
///
/// Immutable and safe to use from any thread. A grant holds only what differs between the devices of a profile; the
/// compiled rules are shared. The questions about topics allocate nothing and take bytes as they stand in the packet.
public final class DeviceGrant: Sendable {
    /// Unique within the tenant: 1 to 128 bytes, no `+ # /`, no control characters, not beginning with `$`.
    public let deviceID: String
    /// As restricted as the device id.
    public let tenant: String
    let profile: CompiledProfile
    let values: PlaceholderValues
    /// What stands before every topic of the device at the broker and is never seen by the device; empty: nothing.
    /// Otherwise it ends with `/`.
    public let topicPrefix: String
    /// What the registry has to write down before the device gets in; nil: nothing.
    public let registration: RegistrationNeed?
    /// The password that CONNECT has to carry; nil: none is asked for.
    public let secondFactor: SecondFactor?
    /// Why the device has its quarantine profile; nil: it has its own.
    public let quarantine: QuarantineReason?
    /// Empty unless the device has overrides.
    private let ownLimits: [DeviceLimits]

    init(
        key: DeviceKey, profile: CompiledProfile, values: PlaceholderValues, overrides: DeviceOverrides? = nil,
        registration: RegistrationNeed? = nil, secondFactor: SecondFactor? = nil, quarantine: QuarantineReason? = nil
    ) {
        deviceID = key.deviceID
        tenant = key.tenant
        self.profile = profile
        self.values = values
        topicPrefix = profile.prefix.fill(values)
        self.registration = registration
        self.secondFactor = secondFactor
        self.quarantine = quarantine
        if let overrides, !overrides.isEmpty {
            let terms = profile.terms
            ownLimits = [terms.limits.overridden(by: overrides, clientIDRule: terms.clientIDRule)]
        } else {
            ownLimits = []
        }
    }

    /// The profile the device was given: the quarantine profile where it has that. One of the names in the operator's
    /// files, so fit for a metric's label.
    public var profileName: String { profile.name }

    /// The profile's limits, with the device's own overrides in them.
    public var limits: DeviceLimits { ownLimits.first ?? profile.terms.limits }

    public var key: DeviceKey { DeviceKey(tenant: tenant, deviceID: deviceID) }

    public var clientIDRule: ClientIDRule { profile.terms.clientIDRule }

    /// The name of the upstream in the configuration; nil: the default one.
    public var upstreamName: String? { profile.terms.upstream }

    /// Whether the device may publish a message to a topic name. Topics are the device's own, without the prefix.
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
    /// Whether nothing changed for the device's session: same identity, same profile name, same rules, limits, prefix,
    /// upstream, second factor and quarantine. Whether the device is still to be registered is not compared.
    public static func == (left: DeviceGrant, right: DeviceGrant) -> Bool {
        left === right
            || left.sameIdentity(as: right) && left.values == right.values
                && left.topicPrefix.utf8.elementsEqual(right.topicPrefix.utf8) && left.limits == right.limits
                && left.secondFactor == right.secondFactor && left.quarantine == right.quarantine
                && (left.profile === right.profile || left.profile.grantsTheSame(as: right.profile))
    }
}
