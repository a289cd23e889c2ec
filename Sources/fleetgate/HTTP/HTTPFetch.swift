import Foundation
import NIOCore
import NIOHTTP1
import NIOMbedTLS
import NIOPosix

/// Asks HTTP servers of CAs: for revocation lists, and OCSP responders. A request is one connection, bounded in time and
/// bytes. There is no proxy, no authentication, no compression.
///
/// All requests of a process share one event loop, which is none of the devices'. Call it from any task.
struct HTTPFetch: Sendable {
    /// What a server answered to ``get(_:etag:modifiedSince:bytesMax:timeout:reach:)``.
    enum Answer: Sendable, Hashable {
        /// What was there last time is still right (304).
        case notModified(cacheSeconds: Int64?)
        /// - Parameters:
        ///   - etag: To be sent back, as it came; nil: there is none, or it is too long to be kept.
        ///   - lastModified: Likewise.
        ///   - cacheSeconds: How long the server says that the answer is good for; nil: it does not say.
        case body([UInt8], etag: String?, lastModified: String?, cacheSeconds: Int64?)
    }

    /// RFC 9110 sets no limit; three are one from http to https, one to another host, and one to spare.
    private static let redirectsMax = 3
    /// Lives as long as the process.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// What servers of https addresses are verified with.
    private let anchors: HTTPSAnchors

    /// - Parameter anchorsFile: A PEM file with the CAs that servers of https addresses are verified with; nil: the
    ///   system's.
    init(anchorsFile: String? = nil) {
        anchors = anchorsFile.map { HTTPSAnchors(files: [$0]) } ?? .system
    }

    /// GET (RFC 9110 section 9.3.1). Redirections are followed, three at most.
    ///
    /// - Parameters:
    ///   - etag: Of the answer that the caller has, as it came.
    ///   - modifiedSince: The `Last-Modified` of the answer that the caller has, as it came.
    ///   - bytesMax: The largest body that is taken.
    ///   - timeout: For all of it: name look-ups, redirections and the last byte.
    func get(
        _ url: String, etag: String? = nil, modifiedSince: String? = nil, bytesMax: Int, timeout: Duration,
        reach: HTTPReach = .anywhere
    ) async throws(HTTPFetchError) -> Answer {
        var headers: HTTPHeaders = ["accept": "*/*"]
        if let etag { headers.add(name: "if-none-match", value: etag) }
        if let modifiedSince { headers.add(name: "if-modified-since", value: modifiedSince) }
        let request = HTTPExchange.Request(method: .GET, headers: headers, body: [], bytesMax: bytesMax)
        let response = try await follow(request, to: url, timeout: timeout, reach: reach)
        switch response.head.status {
        case .notModified where etag != nil || modifiedSince != nil:
            return .notModified(cacheSeconds: response.cacheSeconds)
        case .ok:
            return .body(
                response.body, etag: response.validator("etag"), lastModified: response.validator("last-modified"),
                cacheSeconds: response.cacheSeconds)
        case let status: throw HTTPFetchError(unexpected: status)
        }
    }

    /// POST (RFC 9110 section 9.3.3), to be answered with 200. A redirection is followed when the request stays the
    /// same (307 and 308).
    ///
    /// - Parameters: As of ``get(_:etag:modifiedSince:bytesMax:timeout:reach:)``.
    /// - Returns: The body of the answer.
    func post(
        _ url: String, contentType: String, body: [UInt8], bytesMax: Int, timeout: Duration,
        reach: HTTPReach = .anywhere
    ) async throws(HTTPFetchError) -> [UInt8] {
        let request = HTTPExchange.Request(
            method: .POST, headers: ["accept": "*/*", "content-type": contentType], body: body, bytesMax: bytesMax)
        let response = try await follow(request, to: url, timeout: timeout, reach: reach)
        guard response.head.status == .ok else { throw HTTPFetchError(unexpected: response.head.status) }
        return response.body
    }

    private func follow(
        _ request: HTTPExchange.Request, to url: String, timeout: Duration, reach: HTTPReach
    ) async throws(HTTPFetchError) -> HTTPExchange.Response {
        let end = NIODeadline.now() + TimeAmount(timeout)
        var address = try HTTPAddress(url)
        for _ in 0...Self.redirectsMax {
            let response = try await exchange(request, address, until: end, reach: reach)
            guard response.leadsElsewhere(for: request.method) else { return response }
            guard let location = response.head.headers.first(name: "location") else {
                throw HTTPFetchError(.badRedirect, "the server redirects without saying where to")
            }
            do {
                address = try address.following(location)
            } catch {
                throw HTTPFetchError(.badRedirect, "the server redirects to where one cannot go: \(error)")
            }
        }
        throw HTTPFetchError(.badRedirect, "the server redirects more than \(Self.redirectsMax) times")
    }

    private func exchange(
        _ request: HTTPExchange.Request, _ address: HTTPAddress, until end: NIODeadline, reach: HTTPReach
    ) async throws(HTTPFetchError) -> HTTPExchange.Response {
        let tls =
            switch address.scheme {
            case .http: TLSContext?.none
            case .https: try anchors.context()
            }
        let loop = Self.loops.next()
        let exchange = HTTPExchange(request: request, address: address, tls: tls, reach: reach, on: loop)
        do {
            return try await withTaskCancellationHandler {
                try await exchange.run(until: end).get()
            } onCancel: {
                exchange.fail(HTTPFetchError(.cancelled, "the request was cancelled"))
            }
        } catch let error as HTTPFetchError {
            throw error
        } catch {
            throw HTTPFetchError(.badAnswer, "\(error)")
        }
    }
}

extension HTTPFetchError {
    fileprivate init(unexpected status: HTTPResponseStatus) {
        self.init(
            .badStatus, "the server answers \(status.code) \(status.reasonPhrase)", status: Int(status.code))
    }
}
