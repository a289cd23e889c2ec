import Glibc
import NIOCore
import NIOHTTP1
import NIOMbedTLS
import NIOPosix

/// One request and its answer, over a connection of its own.
///
/// May be made and failed from anywhere; everything else happens on its event loop.
final class HTTPExchange: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var headers: HTTPHeaders
        var body: [UInt8]
        /// The largest body of an answer.
        var bytesMax: Int
    }

    struct Response: Sendable {
        var head: HTTPResponseHead
        var body: [UInt8]
    }

    private let request: Request
    private let address: HTTPAddress
    private let tls: TLSContext?
    private let reach: HTTPReach
    private let loop: any EventLoop
    private let answer: EventLoopPromise<Response>

    init(request: Request, address: HTTPAddress, tls: TLSContext?, reach: HTTPReach, on loop: any EventLoop) {
        self.request = request
        self.address = address
        self.tls = tls
        self.reach = reach
        self.loop = loop
        answer = loop.makePromise()
    }

    /// Call it once. Fails with ``HTTPFetchError``, always by `end`.
    func run(until end: NIODeadline) -> EventLoopFuture<Response> {
        let deadline = loop.scheduleTask(deadline: end) {
            self.answer.fail(HTTPFetchError(.timedOut, "the server took longer than it may"))
        }
        answer.futureResult.whenComplete { _ in deadline.cancel() }
        HostResolution.addresses(of: address.host, port: address.port, on: loop).whenComplete { result in
            switch result {
            case .failure(let error): self.answer.fail(error)
            case .success(let addresses):
                let allowed = addresses.filter { self.reach.allows($0) }
                guard !allowed.isEmpty else {
                    let why = "\(self.address.host) is on this machine or in a private network"
                    self.answer.fail(HTTPFetchError(.addressNotAllowed, why))
                    return
                }
                self.connect(to: allowed[...], until: end)
            }
        }
        return answer.futureResult
    }

    /// Does nothing when the answer is there.
    func fail(_ error: HTTPFetchError) {
        answer.fail(error)
    }

    /// Tries one address after the other; each has its share of the time that is left.
    private func connect(to addresses: ArraySlice<SocketAddress>, until end: NIODeadline) {
        guard let first = addresses.first else { return }
        let left = end - .now()
        guard left > .zero else { return }  // the deadline has failed it
        ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(left.nanoseconds / Int64(addresses.count)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.addHandlers(to: channel) }
            }
            .connect(to: first)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    // However it ended: in time, too late, by the caller.
                    self.answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                case .failure(let error):
                    guard addresses.count == 1 else {
                        self.connect(to: addresses.dropFirst(), until: end)
                        return
                    }
                    self.answer.fail(HTTPFetchError(.cannotConnect, Self.text(error)))
                }
            }
    }

    private func addHandlers(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls {
            try pipeline.addHandler(TLSHandler(context: tls, serverName: .verified(address.host)))
        }
        try pipeline.addHTTPClientHandlers()
        try pipeline.addHandler(
            HTTPResponseCollector(
                head: head, body: request.body, bytesMax: request.bytesMax, answer: answer, waitsForTLS: tls != nil))
    }

    private var head: HTTPRequestHead {
        var headers = request.headers
        headers.replaceOrAdd(name: "host", value: address.authority)
        headers.replaceOrAdd(name: "user-agent", value: "fleetgate")
        headers.replaceOrAdd(name: "connection", value: "close")
        if !request.body.isEmpty {
            headers.replaceOrAdd(name: "content-length", value: "\(request.body.count)")
        }
        return HTTPRequestHead(version: .http1_1, method: request.method, uri: address.target, headers: headers)
    }

    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "nobody answers"
        case _: "\(error)"
        }
    }
}

extension HTTPExchange.Response {
    /// Kept and sent back: an ETag or a date, not a store for the server's use.
    private static let validatorBytesMax = 256

    /// A header to be sent back as it is.
    func validator(_ name: String) -> String? {
        head.headers.first(name: name).flatMap { value in
            let isUsable =
                !value.isEmpty && value.utf8.count <= Self.validatorBytesMax
                && value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            return isUsable ? value : nil
        }
    }

    /// `Cache-Control: max-age` (RFC 9111 section 5.2.2.1) less the age that the answer has already; nil: not said.
    var cacheSeconds: Int64? {
        let directives = head.headers[canonicalForm: "cache-control"]
        if directives.contains(where: { ["no-store", "no-cache"].contains($0.lowercased()) }) { return 0 }
        for directive in directives {
            let parts = directive.lowercased().split(separator: "=", maxSplits: 1)
            guard parts.first == "max-age", parts.count == 2, let seconds = Int64(parts[1]), seconds >= 0 else {
                continue
            }
            let age = head.headers.first(name: "age").flatMap { Int64($0) } ?? 0
            return max(0, seconds - max(0, min(age, seconds)))
        }
        return nil
    }

    /// Whether it is a redirection that a request of this method can follow.
    func leadsElsewhere(for method: HTTPMethod) -> Bool {
        switch head.status {
        case .temporaryRedirect, .permanentRedirect: true
        case .movedPermanently, .found, .seeOther: method == .GET
        case _: false
        }
    }
}
