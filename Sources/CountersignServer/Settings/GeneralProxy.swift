import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTerminal

/// The proxy of all requests that name none.
enum GeneralProxy: Sendable {
    /// As the environment says.
    case environment
    case none
    case server(ProxyServer)

    /// The setting `http.proxy`.
    ///
    /// - Throws: `UsageError`.
    init(_ http: Options) throws {
        switch http[SettingsDeclaration.generalProxy] {
        case nil: self = .environment
        case "none": self = .none
        case let text?:
            do throws(StepFailure) {
                self = .server(try ProxyServer(text))
            } catch {
                throw UsageError("'http.proxy' cannot be used: \(error)")
            }
        }
    }
}

extension Settings {
    /// The proxy of all requests that name none.
    func proxyChoice(_ variables: [String: String]) -> ProxyChoice {
        switch proxy {
        case .environment: .environment(ProxyRules(variables: variables))
        case .none: .none
        case .server(let server): .server { server }
        }
    }

    /// The destinations that `options` define; nil where there is no settings file.
    ///
    /// - Throws: `UsageError`.
    static func destinations(_ options: Options) throws -> [DestinationSettings]? {
        let field = SettingsDeclaration.destinations
        guard options.entries.contains(where: { $0.key == field.declaration.key }) else { return nil }
        return try options.required(field).map { try DestinationSettings($0) }
    }
}
