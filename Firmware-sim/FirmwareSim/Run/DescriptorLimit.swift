#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// This process's limit of open files.
enum DescriptorLimit {
    /// Makes room for so many descriptors, raising the soft limit towards the hard one where needed.
    ///
    /// - Throws: ``SimulatorError`` naming the command that raises the hard limit, if that is too low.
    static func reserve(_ needed: Int) throws(SimulatorError) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = rlim_t(needed)
        guard limit.rlim_cur < wanted else { return }
        guard limit.rlim_max >= wanted else {
            throw .machine(
                "too-few-descriptors",
                "\(needed) file descriptors are needed and this shell allows \(limit.rlim_max): "
                    + "raise it with 'ulimit -Hn \(needed)' as root, or run with fewer devices")
        }
        limit.rlim_cur = wanted
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .machine(
                "too-few-descriptors", "could not raise the limit of open files to \(needed): 'ulimit -n \(needed)'")
        }
    }
}
