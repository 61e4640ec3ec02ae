package import CountersignCore
package import CountersignOutbound
package import Foundation

/// What steps ask of the API in their own words.
extension OneSpanClient {
    /// Sends a request of a step, once; a token that is not taken any more is replaced.
    ///
    /// - Throws: `StepFailure` where there is no response.
    /// - Returns: The response, whatever its status.
    package func answer(to request: VendorRequest) async throws(StepFailure) -> VendorAnswer {
        let path = request.path.prefix { $0 != "?" }
        let name = "\(request.method) \(path.count > 200 ? path.prefix(200) + "…" : path)"
        var headers = [OutgoingRequest.Header("Accept", "application/json")]
        if request.json != nil { headers.append(.init("Content-Type", "application/json")) }
        let outgoing = OutgoingRequest(
            method: request.method,
            url: access.baseURL + request.path,
            headers: headers,
            body: request.json?.bytes ?? (["POST", "PUT", "PATCH"].contains(request.method) ? [] : nil),
            timeout: Self.patienceForAnswer
        )
        let body = CollectedBody()
        do throws(APIFailure) {
            let answer = try await exchangeAuthorized(outgoing, named: name, body)
            // The body of a success went to the collector.
            let isSuccess = (200...299).contains(answer.status)
            let whole = IncomingAnswer(
                status: answer.status,
                headers: answer.headers,
                body: isSuccess ? body.bytes : answer.body,
                isCut: isSuccess ? false : answer.isCut
            )
            let failure = isSuccess ? nil : APIFailure(answer, to: name, at: clock.now).stepFailure
            return VendorAnswer(whole, failure: failure)
        } catch {
            throw error.stepFailure
        }
    }

    /// Reads the lists of packages of these statuses for one that is meant, each page once.
    ///
    /// - Throws: `StepFailure` where a list cannot be read.
    package func firstPackage(
        in statuses: [String],
        since: Date,
        where isMeant: @Sendable (JSON) -> Bool
    ) async throws(StepFailure) -> JSON? {
        // The vendor's clock may be ahead.
        let end = clock.now.addingTimeInterval(300)
        var found: JSON?
        do {
            for status in statuses where found == nil {
                try await packages(status, since: since, until: end, retry: Self.once, isAdmitted: true) { page in
                    found = found ?? page.first(where: isMeant)
                }
            }
        } catch let failure as APIFailure {
            throw failure.stepFailure
        } catch {
            throw StepFailure("the packages of OneSpan Sign cannot be listed: \(error)")
        }
        return found
    }
}
