import NIOCore
import NIOHTTP1
import Testing

@testable import fleetgate

/// What comes of a request: the answer, or the reason.
private func outcome(
    _ url: String, etag: String? = nil, modifiedSince: String? = nil, bytesMax: Int = 1000,
    timeout: Duration = .seconds(20), reach: HTTPReach = .anywhere
) async -> Result<HTTPFetch.Answer, HTTPFetchError> {
    do throws(HTTPFetchError) {
        return .success(
            try await HTTPFetch().get(
                url, etag: etag, modifiedSince: modifiedSince, bytesMax: bytesMax, timeout: timeout, reach: reach))
    } catch {
        return .failure(error)
    }
}

extension Result where Failure == HTTPFetchError {
    fileprivate var reason: HTTPFetchError.Reason? {
        if case .failure(let error) = self { error.reason } else { nil }
    }
}

@Suite struct HTTPFetchTests {
    @Test func bringsABodyAndItsValidators() async throws {
        let origin = try await HTTPOrigin(
            .whole(
                .ok,
                [("ETag", "\"7\""), ("Last-Modified", "x"), ("Cache-Control", "public, max-age=60"), ("Age", "10")],
                [1, 2]))
        let answer = await outcome(origin.url + "/a?b")
        #expect(answer == .success(.body([1, 2], etag: "\"7\"", lastModified: "x", cacheSeconds: 50)))
        let question = try #require(origin.questions.first)
        #expect((question.head.method, question.head.uri) == (.GET, "/a?b"))
        #expect(question.header("host") == String(origin.url.dropFirst(7)))
        #expect(question.header("accept-encoding") == nil)
        await origin.close()
    }

    @Test func asksWhetherItHasChanged() async throws {
        let origin = try await HTTPOrigin { question in
            question.header("if-none-match") == "\"7\"" && question.header("if-modified-since") == "then"
                ? .whole(.notModified, [("cache-control", "max-age=9")]) : .whole(.ok, [], [1])
        }
        #expect(
            await outcome(origin.url, etag: "\"7\"", modifiedSince: "then")
                == .success(.notModified(cacheSeconds: 9)))
        #expect(
            await outcome(origin.url, etag: "\"8\"")
                == .success(.body([1], etag: nil, lastModified: nil, cacheSeconds: nil)))
        await origin.close()
    }

    /// A 304 that was not asked for has no body to go with.
    @Test(arguments: [304, 204, 206, 400, 404, 500, 503])
    func anotherStatusIsAFailure(_ status: Int) async throws {
        let origin = try await HTTPOrigin(.whole(HTTPResponseStatus(statusCode: status)))
        let answer = await outcome(origin.url)
        #expect(answer.reason == .badStatus)
        if case .failure(let error) = answer { #expect(error.status == status) }
        await origin.close()
    }

    @Test func followsThreeRedirectionsAndNotFour() async throws {
        let origin = try await HTTPOrigin { question in
            let left = Int(question.head.uri.dropFirst()) ?? 0
            return left == 0 ? .whole(.ok, [], [9]) : .whole(.movedPermanently, [("location", "/\(left - 1)")])
        }
        #expect(
            await outcome(origin.url + "/3")
                == .success(.body([9], etag: nil, lastModified: nil, cacheSeconds: nil)))
        #expect(await outcome(origin.url + "/4").reason == .badRedirect)
        #expect(origin.questions.count == 8)
        await origin.close()
    }

    @Test(arguments: ["file:///etc/passwd", "ldap://x/", "relative", "http://u:p@h/"])
    func leadsNowhereElse(_ location: String) async throws {
        let origin = try await HTTPOrigin(.whole(.found, [("location", location)]))
        #expect(await outcome(origin.url).reason == .badRedirect)
        await origin.close()
    }

    @Test func aRedirectionWithoutAPlaceIsAFailure() async throws {
        let origin = try await HTTPOrigin(.whole(.found))
        #expect(await outcome(origin.url).reason == .badRedirect)
        await origin.close()
    }

    @Test func takesNoMoreBytesThanItMay() async throws {
        let origin = try await HTTPOrigin(.whole(.ok, [], Array(repeating: 1, count: 1001)))
        #expect(await outcome(origin.url).reason == .tooLarge)
        origin.answers { _ in .whole(.ok, [], Array(repeating: 1, count: 1000)) }
        #expect(await outcome(origin.url).reason == nil)
        origin.answers { _ in .endless }
        #expect(await outcome(origin.url, bytesMax: 1 << 20).reason == .tooLarge)
        origin.answers { _ in .raw("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n") }
        #expect(await outcome(origin.url).reason == .badAnswer)
        await origin.close()
    }

    @Test func aHeadWithoutEndIsAFailure() async throws {
        let long =
            "HTTP/1.1 200 OK\r\n" + String(repeating: "x: " + String(repeating: "y", count: 1000) + "\r\n", count: 200)
        let origin = try await HTTPOrigin(.raw(long))
        #expect(await outcome(origin.url).reason == .badAnswer)
        await origin.close()
    }

    @Test func waitsNoLongerThanItMay() async throws {
        let origin = try await HTTPOrigin(.silent)
        #expect(await outcome(origin.url, timeout: .milliseconds(50)).reason == .timedOut)
        origin.answers { _ in .stalled }
        #expect(await outcome(origin.url, timeout: .milliseconds(50)).reason == .timedOut)
        origin.answers { _ in .endless }
        #expect(await outcome(origin.url, bytesMax: .max, timeout: .milliseconds(50)).reason == .timedOut)
        await origin.close()
    }

    @Test(arguments: [
        "", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nx",
    ])
    func whatIsNotAnAnswerIsAFailure(_ text: String) async throws {
        let origin = try await HTTPOrigin(.raw(text))
        #expect(await outcome(origin.url).reason == .badAnswer)
        await origin.close()
    }

    @Test func aValidatorIsSentBackAsItIsOrNotKept() async throws {
        let origin = try await HTTPOrigin(
            .whole(.ok, [("etag", String(repeating: "e", count: 257)), ("last-modified", "ü")]))
        #expect(
            await outcome(origin.url) == .success(.body([], etag: nil, lastModified: nil, cacheSeconds: nil)))
        await origin.close()
    }

    @Test func nobodyThere() async throws {
        let origin = try await HTTPOrigin(.silent)
        let url = origin.url
        await origin.close()
        #expect(await outcome(url).reason == .cannotConnect)
        #expect(await outcome("https://127.0.0.1:1/").reason == .cannotConnect)
        #expect(await outcome("ftp://127.0.0.1/").reason == .badAddress)
    }

    @Test func asksNoNeighboursForACertificate() async throws {
        let origin = try await HTTPOrigin(.whole(.ok))
        #expect(await outcome(origin.url, reach: .publicOnly).reason == .addressNotAllowed)
        let port = origin.url.split(separator: ":").last ?? ""
        #expect(await outcome("http://localhost:\(port)/", reach: .publicOnly).reason == .addressNotAllowed)
        #expect(await outcome("http://[::ffff:127.0.0.1]:\(port)/", reach: .publicOnly).reason == .addressNotAllowed)
        #expect(origin.questions.isEmpty)
        await origin.close()
    }

    @Test func aServerWithoutTLSIsNotAsked() async throws {
        let origin = try await HTTPOrigin(.whole(.ok))
        let url = "https" + origin.url.dropFirst(4)
        let reason = await outcome(url).reason
        #expect(reason == .tlsFailed || reason == .noSystemAnchors || reason == .badAnswer)
        #expect(origin.questions.isEmpty)
        await origin.close()
    }

    @Test func postsABody() async throws {
        let origin = try await HTTPOrigin { .whole(.ok, [], $0.body.reversed()) }
        let answer = try await HTTPFetch().post(
            origin.url + "/ocsp", contentType: "application/ocsp-request", body: [1, 2, 3], bytesMax: 10,
            timeout: .seconds(20))
        #expect(answer == [3, 2, 1])
        let question = try #require(origin.questions.first)
        #expect(question.head.method == .POST)
        #expect(question.header("content-type") == "application/ocsp-request")
        #expect(question.header("content-length") == "3")
        await origin.close()
    }

    @Test func postIsNotRepeatedAsGet() async throws {
        let origin = try await HTTPOrigin { question in
            question.head.uri == "/moved" ? .whole(.ok, [], question.body) : .whole(.found, [("location", "/moved")])
        }
        await #expect(throws: HTTPFetchError.self) {
            _ = try await HTTPFetch().post(
                origin.url, contentType: "x", body: [1], bytesMax: 10, timeout: .seconds(20))
        }
        origin.answers { question in
            question.head.uri == "/moved"
                ? .whole(.ok, [], question.body) : .whole(.temporaryRedirect, [("location", "/moved")])
        }
        let answer = try await HTTPFetch().post(
            origin.url, contentType: "x", body: [1], bytesMax: 10, timeout: .seconds(20))
        #expect(answer == [1])
        await origin.close()
    }

    @Test func isCancelled() async throws {
        let origin = try await HTTPOrigin(.silent)
        let task = Task { await outcome(origin.url) }
        while origin.questions.isEmpty { await Task.yield() }
        task.cancel()
        #expect(await task.value.reason == .cancelled)
        await origin.close()
    }
}
