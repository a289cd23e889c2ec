import HTTPTypes
import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the admin server answers.
struct AdminRoutes: Sendable {
    let metrics: PrometheusRegistry
    let readinessChecks: [ReadinessCheck]
    let readinessDeadline: Duration

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: JSONErrorMiddleware())
        router.get("metrics") { [metrics] _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusRegistry.contentType, .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition())))
        }
        router.get("healthz") { _, _ in
            try Response.json(HealthReport(status: "ok"), status: .ok)
        }
        router.get("readyz") { [readinessChecks, readinessDeadline] _, _ in
            let report = await ReadinessReport.make(readinessChecks, deadline: readinessDeadline)
            return try Response.json(report, status: report.ready ? .ok : .serviceUnavailable)
        }
        return router
    }
}

/// The answer to `/healthz`: the process runs and its tasks are scheduled; nothing more is asked on purpose, because
/// a supervisor restarts what is not healthy and a restart does not bring a broker back.
private struct HealthReport: Encodable {
    let status: String
}

/// The body of every answer that is not a success.
private struct ErrorReport: Encodable {
    let error: String
}

/// Gives errors a JSON body. The request's path is not repeated in it: it is the client's text.
struct JSONErrorMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            return try Response.json(
                ErrorReport(error: error.status.reasonPhrase.lowercased()), status: error.status,
                withoutBody: request.method == .head)
        }
    }
}

extension Response {
    /// A JSON answer with its keys in a fixed order, ending with a line feed (people read it with curl).
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status, withoutBody: Bool = false
    ) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var buffer = ByteBuffer(bytes: try encoder.encode(value))
        buffer.writeStaticString("\n")
        let response = Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer))
        return withoutBody ? response.createHeadResponse() : response
    }
}
