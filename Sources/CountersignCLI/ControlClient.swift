import AsyncHTTPClient
import CountersignModel
import CountersignStore
import Foundation
import NIOCore
import NIOHTTP1

/// Carries out what changes the store: through the running server, or directly when none runs.
struct ControlClient {
    /// What a command can have done to a run.
    enum Order: String {
        case retry
        case drop
    }

    let settings: Settings
    let clock: any WallClock
    let client: HTTPClient

    /// Carries out `order` on a run.
    ///
    /// - Throws: `CommandFailure` with the reason.
    func carryOut(_ order: Order, on run: Run.ID) async throws {
        do {
            try await carryOutDirectly(order, on: run)
        } catch StoreError.inUse {
            try await send(order, on: run)
        } catch let error as StoreError {
            throw CommandFailure("\(error)")
        }
    }

    private func carryOutDirectly(_ order: Order, on run: Run.ID) async throws {
        guard FileManager.default.fileExists(atPath: settings.storePath) else {
            throw CommandFailure("there is no store at '\(settings.storePath)'; name it with --store sqlite:FILE")
        }
        let store = try SQLiteStore.open(path: settings.storePath)
        do {
            switch order {
            case .retry: try await store.retry(run, at: clock.now)
            case .drop: try await store.drop(run, at: clock.now)
            }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func send(_ order: Order, on run: Run.ID) async throws {
        guard
            let url = URL(
                httpURLWithSocketPath: settings.controlSocket,
                uri: "/runs/\(run)/\(order.rawValue)"
            )
        else { throw CommandFailure("'\(settings.controlSocket)' is no path of a socket") }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        do {
            let answer = try await client.execute(request, timeout: .seconds(10))
            let body = try await answer.body.collect(upTo: 64 * 1_024)
            guard answer.status != .ok else { return }
            let reason = try? JSON(parsing: body.readableBytesView)["error"]?.string
            throw CommandFailure(reason ?? "the server answered \(answer.status.code)")
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(
                "the running server does not answer at '\(settings.controlSocket)' (\(networkWords(error))); try again"
            )
        }
    }
}
