extension DeviceLimits {
    static func read(_ reader: inout MappingReader) -> DeviceLimits {
        var limits = DeviceLimits()
        if let bytes = reader.byteSize("packet-bytes", in: PolicyBounds.packetBytes) { limits.packetBytesMax = bytes }
        if let keepAlive = reader.nested("keep-alive", { KeepAlive.read(&$0) }) { limits.keepAlive = keepAlive }
        if let rate = reader.nested("messages", { MessageRate.read(&$0) }) { limits.messageRate = rate }
        if let rate = reader.nested("bytes", { ByteRate.read(&$0) }) { limits.byteRate = rate }
        if let seconds = reader.wholeSeconds("session-expiry", in: PolicyBounds.sessionExpirySeconds) {
            limits.sessionExpirySecondsMax = UInt32(seconds)
        }
        if let count = reader.int("subscriptions", in: PolicyBounds.subscriptions) { limits.subscriptionsMax = count }
        if let count = reader.int("receive-maximum", in: PolicyBounds.receiveMaximum) {
            limits.receiveMaximum = UInt16(count)
        }
        if let connections = reader.nested("connections", { ConnectionLimit.read(&$0) }) {
            limits.connections = connections
        }
        if let seconds = reader.wholeSeconds("expiry-grace", in: PolicyBounds.expiryGraceSeconds) {
            limits.expiryGraceSeconds = Int64(seconds)
        }
        return limits
    }
}

extension ConnectionLimit {
    static func read(_ reader: inout MappingReader) -> ConnectionLimit {
        var limit = ConnectionLimit()
        if let maximum = reader.int("max", in: PolicyBounds.connections) { limit.maximum = maximum }
        if let action = reader.choice("on-exceeded", of: ExceededAction.self) { limit.onExceeded = action }
        return limit
    }
}

extension ByteRate {
    static func read(_ reader: inout MappingReader) -> ByteRate {
        var rate = ByteRate()
        if let perSecond = reader.byteSize("per-second", in: PolicyBounds.bytesPerSecond) { rate.perSecond = perSecond }
        if let burst = reader.byteSize("burst", in: PolicyBounds.bytesBurst) { rate.burst = burst }
        if let action = reader.choice("on-exceeded", of: MessageRate.ExceededAction.self) { rate.onExceeded = action }
        return rate
    }
}

extension KeepAlive {
    static func read(_ reader: inout MappingReader) -> KeepAlive {
        var keepAlive = KeepAlive()
        if let seconds = reader.wholeSeconds("min", in: PolicyBounds.keepAliveSeconds) {
            keepAlive.minimumSeconds = UInt16(seconds)
        }
        if let seconds = reader.wholeSeconds("max", in: PolicyBounds.keepAliveSeconds) {
            keepAlive.maximumSeconds = UInt16(seconds)
        }
        if let isRequired = reader.bool("required") { keepAlive.isRequired = isRequired }
        if keepAlive.minimumSeconds > keepAlive.maximumSeconds {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path,
                "min \(keepAlive.minimumSeconds)s is above max \(keepAlive.maximumSeconds)s",
                hint: "what is not given is \(KeepAlive().minimumSeconds)s and \(KeepAlive().maximumSeconds)s")
        }
        return keepAlive
    }
}

extension MessageRate {
    static func read(_ reader: inout MappingReader) -> MessageRate {
        var rate = MessageRate()
        if let perSecond = reader.int("per-second", in: PolicyBounds.messagesPerSecond) { rate.perSecond = perSecond }
        if let burst = reader.int("burst", in: PolicyBounds.messagesBurst) { rate.burst = burst }
        if let action = reader.choice("on-exceeded", of: ExceededAction.self) { rate.onExceeded = action }
        return rate
    }
}
