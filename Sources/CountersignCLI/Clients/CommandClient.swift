import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// Whoever answers a command's questions and carries out what it orders.
///
/// Questions are answered from the store on this machine, whether a server runs or not, or by the server that `--server`
/// names. What changes the store goes through the running server; where none runs, the store is opened.
struct CommandClient: Sendable {
    private let environment: CommandEnvironment
    private let settings: Settings
    private let server: RemoteClient?

    /// Whether questions go to the running server, where one runs: it knows more than its store does.
    private var prefersServer = false

    /// Which of several servers behind one URL answered.
    private var answering: LastAnswer?

    /// A client of the store of `settings`; of `server` where there is one, which leaves its name in `answering`.
    init(
        environment: CommandEnvironment,
        settings: Settings,
        server: RemoteClient? = nil,
        answering: LastAnswer? = nil
    ) {
        self.answering = answering
        self.environment = environment
        self.settings = settings
        self.server = server
    }

    /// The server elsewhere that `--server` names; nil for the store on this machine.
    var remote: RemoteClient? { server }

    /// The same client, whose questions go to the running server where one runs.
    var preferringServer: CommandClient {
        var client = self
        client.prefersServer = true
        return client
    }

    /// The same client, which does not say who answered.
    var sayingNothing: CommandClient {
        var client = self
        client.answering = nil
        return client
    }

    /// Says on standard error which instance answered, once, where several share a store.
    private func tellWhoAnswered() {
        guard let name = answering?.takeInstance() else { return }
        StandardError.tell("answered by instance '\(name.printable)'")
    }

    /// Has questions answered.
    ///
    /// - Throws: `CommandFailure` with the reason where there is no answer.
    func ask<Value>(_ work: (any OperatorQuestions) async throws -> Value) async throws -> Value {
        guard let server else {
            if prefersServer, await isServed() { return try await told { try await work(control) } }
            return try await environment.opening(settings) { try await work(questions(over: $0)) }
        }
        let value = try await told { try await work(server) }
        tellWhoAnswered()
        return value
    }

    /// Has commands carried out.
    ///
    /// - Parameters:
    ///   - pollers: Makes what polls, over a store that is open; none for commands that do not poll.
    ///   - work: Is handed whoever carries out commands, and whether a server runs that acts on what they store.
    /// - Throws: `CommandFailure` with the reason where one is not carried out.
    /// - Returns: What `work` returns.
    func order<Value>(
        pollers: (any OwnedStore) throws -> [String: Poller] = { _ in [:] },
        _ work: (any OperatorCommands, _ isServed: Bool) async throws -> Value
    ) async throws -> Value {
        if let server {
            let value = try await told { try await work(server, true) }
            tellWhoAnswered()
            return value
        }
        let driver = settings.driver
        guard driver.exists else {
            throw CommandFailure(
                "there is no store at '\(settings.store)'; name it with --store sqlite:FILE, or start 'countersign serve', "
                    + "which creates it"
            )
        }
        if await isServed() { return try await told { try await work(control, true) } }
        do {
            return try await lending(try driver.open { tellOfUpgrade($0) }) { store in
                let commands = StoreCommands(
                    store: store,
                    questions: questions(over: store),
                    pollers: try pollers(store),
                    accounts: settings.accountNames,
                    install: { try await install($0, in: store) },
                    clock: environment.clock
                )
                return try await told { try await work(commands, false) }
            }
        } catch StoreError.inUse {
            // A server that is just starting has the store, and does not listen yet.
            try await untilServerListens()
            return try await told { try await work(control, true) }
        } catch let error as StoreError {
            throw CommandFailure("\(error)")
        }
    }

    /// What the running server runs with.
    ///
    /// - Throws: `CommandFailure` where none responds.
    func state() async throws -> ServerState { try await told { try await (server ?? control).state() } }

    /// The server on this machine, over its socket.
    private var control: RemoteClient {
        RemoteClient(HTTPTransport(socket: settings.controlSocket, client: environment.client))
    }

    private func questions(over archive: any Archive & TailingStore) -> StoreQuestions {
        StoreQuestions(
            archive: archive,
            compiler: { [environment, settings] in
                RuleCompiler(catalogue: try await environment.registry(for: settings).declarations)
            },
            clock: environment.clock
        )
    }

    /// Activates rules without a server.
    private func install(_ sources: RuleSources, in store: any OwnedStore) async throws -> RuleBook.Change {
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: try await environment.registry(for: settings).declarations),
            store: store,
            folder: settings.rulesPath,
            instance: settings.instanceName,
            clock: environment.clock,
            loadSecrets: { _ in .hidden }
        )
        return try await book.install(sources, because: .command)
    }

    private func told<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch let error as OperationError {
            throw CommandFailure(error.description)
        } catch let error as StoreError {
            throw CommandFailure("\(error)")
        }
    }

    private func lending<Value>(
        _ store: any OwnedStore,
        _ work: (any OwnedStore) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await work(store)
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }

    /// Whether a server says that it runs; who does not answer may still hold the store, which opening it tells.
    private func isServed() async -> Bool {
        guard FileManager.default.fileExists(atPath: settings.controlSocket) else { return false }
        return (try? await control.state()) != nil
    }

    /// Says in time why the command takes long, and that an older program will not read the store any more.
    private func tellOfUpgrade(_ upgrade: StoreUpgrade) {
        StandardError.tell(
            "upgrading '\(settings.store)', which an older Countersign made (schema \(upgrade.from) to \(upgrade.to)); "
                + "that takes a while for a large one, and this one has \(upgrade.size.rounded)"
        )
    }

    /// Gives a server that has the store already, and is still starting, a few seconds to make its socket.
    private func untilServerListens() async throws {
        let end = environment.clock.now.addingTimeInterval(5)
        while environment.clock.now < end, !FileManager.default.fileExists(atPath: settings.controlSocket) {
            try await environment.clock.sleep(until: environment.clock.now.addingTimeInterval(0.05))
        }
    }
}
