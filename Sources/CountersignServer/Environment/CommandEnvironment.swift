package import AsyncHTTPClient
package import CountersignActions
package import CountersignCore
package import CountersignOutbound
package import CountersignTerminal
import Foundation

/// What commands see of the world around the program.
package struct CommandEnvironment: Sendable {
    /// The actions that rules may name, those of the settings not among them.
    package let registry: ActionRegistry

    /// The environment variables of the process: settings, secrets, and what describes the terminal.
    package let variables: [String: String]

    /// The absolute path that relative paths start from.
    package let workingDirectory: String

    /// The client through which commands reach servers of ours; whoever makes the environment shuts it down.
    package let client: HTTPClient

    /// The clients through which actions send requests; whoever makes the environment shuts them down.
    package let outgoing: OutgoingClients

    /// The time.
    package let clock: any WallClock = SystemWallClock()

    /// The environment of one call of the program; the clock is always the machine's.
    package init(
        registry: ActionRegistry,
        variables: [String: String],
        workingDirectory: String,
        client: HTTPClient,
        outgoing: OutgoingClients
    ) {
        self.client = client
        self.outgoing = outgoing
        self.registry = registry
        self.variables = variables
        self.workingDirectory = workingDirectory
    }

    /// Whether findings and states may be shown in color on standard output.
    package var isColoured: Bool { terminal().isColoured }
}

extension CommandEnvironment {
    /// What is behind standard output now.
    package func terminal(_ colours: ColourChoice = .auto) -> Terminal {
        Terminal(behind: STDOUT_FILENO, variables: variables, colours: colours)
    }
}
