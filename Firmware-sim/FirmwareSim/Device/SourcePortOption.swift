import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `IP_BIND_ADDRESS_NO_PORT` (ip(7)): choose the source port at connect, not at bind. A port is then taken for one
/// source and target together, where a port chosen at bind is taken for the source address as a whole.
enum SourcePortOption {
    static let late = ChannelOptions.socket(SocketOptionLevel(IPPROTO_IP), SocketOptionName(24))
}
