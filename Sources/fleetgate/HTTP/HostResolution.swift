import Foundation
import NIOCore
import NIOPosix

/// Finds the addresses of a host. Looking up a name blocks, so it happens on threads of its own.
enum HostResolution {
    /// More are not tried.
    private static let addressesMax = 8
    /// Name look-ups at a time; a resolver that hangs holds up no more than these, and not the devices.
    private static let threads = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    /// - Returns: In the order of the system's preference (RFC 6724), IPv4 and IPv6. Fails with ``HTTPFetchError``
    ///   `name-not-found`.
    static func addresses(of host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        if let address = try? SocketAddress(ipAddress: host, port: port) {
            return loop.makeSucceededFuture([address])
        }
        return threads.runIfActive(eventLoop: loop) { try lookUp(host, port: port) }
    }

    private static func lookUp(_ host: String, port: Int) throws(HTTPFetchError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_family = AF_UNSPEC
        var found: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &found)
        defer { if let found = unsafe found { unsafe freeaddrinfo(found) } }
        guard status == 0 else {
            let why = unsafe gai_strerror(status).map { unsafe String(cString: $0) } ?? "error \(status)"
            throw HTTPFetchError(.nameNotFound, "the host \(host) is not found: \(why)")
        }
        var addresses: [SocketAddress] = []
        var next = unsafe found
        while let entry = unsafe next, addresses.count < addressesMax {
            unsafe next = entry.pointee.ai_next
            guard let address = unsafe entry.pointee.ai_addr else { continue }
            switch unsafe entry.pointee.ai_family {
            case AF_INET where unsafe Int(entry.pointee.ai_addrlen) >= MemoryLayout<sockaddr_in>.size:
                let value = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
                addresses.append(SocketAddress(value))
            case AF_INET6 where unsafe Int(entry.pointee.ai_addrlen) >= MemoryLayout<sockaddr_in6>.size:
                let value = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
                addresses.append(SocketAddress(value))
            case _: continue
            }
        }
        guard !addresses.isEmpty else {
            throw HTTPFetchError(.nameNotFound, "the host \(host) has no address")
        }
        return addresses
    }
}
