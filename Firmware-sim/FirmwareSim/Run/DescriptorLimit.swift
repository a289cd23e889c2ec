#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// This process's limit of open files: each connection is one.
enum DescriptorLimit {
    /// Makes room for so many connections at once, raising the soft limit towards the hard one where needed.
    ///
    /// - Throws: ``SimulatorError`` naming the command that raises the hard limit, if that is too low.
    static func reserve(connections: Int, loops: Int) throws(SimulatorError) {
        let needed = connections + SimulatorLimits.descriptorsReserved + loops * 4
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = rlim_t(needed)
        guard limit.rlim_cur < wanted else { return }
        guard limit.rlim_max >= wanted else {
            throw .machine(
                "too-few-descriptors", explanation(connections: connections, needed: needed, limit: limit.rlim_max))
        }
        limit.rlim_cur = wanted
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .machine(
                "too-few-descriptors", explanation(connections: connections, needed: needed, limit: limit.rlim_cur))
        }
    }

    static func explanation(connections: Int, needed: Int, limit: rlim_t) -> String {
        let possible = max(0, Int(clamping: limit) - (needed - connections))
        return "the limit of open files is what stops this run: \(connections) connections at once need \(needed) file "
            + "descriptors, and this process may have \(limit). Raise the limit in the shell that starts it with "
            + "'ulimit -Hn \(needed) && ulimit -n \(needed)' as root (for good: 'nofile' in "
            + "/etc/security/limits.conf, or LimitNOFILE= of its systemd unit), run with at most \(possible) devices, "
            + "or share them between processes with --shard"
    }
}
