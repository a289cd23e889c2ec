import FleetPolicy
import Gateway
import NIOCore

/// What of a configuration a running gateway cannot take over.
enum RestartSections {
    /// The sections in which two configurations differ and that take a restart, in the order of the file. Upstream
    /// secrets and certificates count by what is in their files.
    static func differing(_ running: LoadedConfiguration, _ new: LoadedConfiguration) -> [String] {
        let (old, configuration) = (running.configuration, new.configuration)
        // The broker's two times are limits to the gateway, and keys of `upstream` to the operator.
        var limits = configuration.limits
        limits.upstreamConnectTimeout = old.limits.upstreamConnectTimeout
        limits.upstreamConnackTimeout = old.limits.upstreamConnackTimeout
        let hasSameUpstream =
            old.upstream.broker == configuration.upstream.broker
            && old.upstream.userName == configuration.upstream.userName && running.upstream == new.upstream
            && old.limits.upstreamConnectTimeout == configuration.limits.upstreamConnectTimeout
            && old.limits.upstreamConnackTimeout == configuration.limits.upstreamConnackTimeout
        let sections = [
            (
                configuration.furtherListeners.isEmpty ? "listener" : "listeners",
                old.listeners == configuration.listeners
            ),
            ("tickets", old.tickets == configuration.tickets),
            ("audit", old.audit == configuration.audit),
            ("observations", old.observations == configuration.observations),
            ("registry", old.registry.value == configuration.registry.value),
            ("upstream", hasSameUpstream),
            ("upstreams", haveSameUpstreams(running, new)),
            ("limits", old.limits == limits),
            ("admin", old.admin == configuration.admin),
            ("log", old.log == configuration.log),
            ("event-loops", old.eventLoops == configuration.eventLoops),
        ]
        return sections.filter { !$0.1 }.map(\.0)
    }

    private static func haveSameUpstreams(_ running: LoadedConfiguration, _ new: LoadedConfiguration) -> Bool {
        let (old, other) = (running.configuration.upstreams, new.configuration.upstreams)
        return old.keys == other.keys && running.upstreams == new.upstreams
            && old.allSatisfy { $1.broker == other[$0]?.broker && $1.userName == other[$0]?.userName }
    }
}
