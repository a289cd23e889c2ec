import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What the control server knows of a request beside the request itself: its connection.
struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Finds the route of a request and has it answer. The status is 200 as soon as a route runs: how it went is in the last
/// line, which may be long in coming.
struct ControlResponder: HTTPResponder {
    typealias Context = ControlContext

    private static let prefix = "/v1/"

    private let routes: [String: ControlRoute]
    private let logger: Logger

    init(_ routes: [ControlRoute], logger: Logger) {
        self.routes = Dictionary(routes.map { ($0.name, $0) }) { first, _ in first }
        self.logger = logger
    }

    func respond(to request: Request, context: ControlContext) async throws -> Response {
        guard request.method == .post else { return Self.refusal(.methodNotAllowed, status: .methodNotAllowed) }
        let path = request.uri.path
        guard path.hasPrefix(Self.prefix), let route = routes[String(path.dropFirst(Self.prefix.count))] else {
            return Self.refusal(.unknownRoute, status: .notFound)
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > route.bodyBytesMax {
            return Self.refusal(.tooLarge(bytesMax: route.bodyBytesMax), status: .contentTooLarge)
        }
        let asked = ControlRequest(
            peer: await PeerCredentials.peer(of: context.channel),
            body: ControlBody(request.body, bytesMax: route.bodyBytesMax))
        return Self.response(status: .ok) { [logger] writer in
            var answer = ControlAnswer(writer)
            let outcome: ControlFailure
            do {
                let result = try await route.handler(asked, &answer)
                return try await answer.finish(.result, result)
            } catch let failure as ControlFailure {
                outcome = failure
            } catch {
                guard context.channel.isActive else { throw error }
                logger.error("a control request failed: \(error)", metadata: ["route": "\(route.name)"])
                outcome = .internalError
            }
            try await answer.finish(.error, outcome)
        }
    }

    private static func refusal(_ failure: ControlFailure, status: HTTPResponse.Status) -> Response {
        response(status: status) { writer in
            var answer = ControlAnswer(writer)
            try await answer.finish(.error, failure)
        }
    }

    private static func response(
        status: HTTPResponse.Status, _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: status, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody(write))
    }
}
