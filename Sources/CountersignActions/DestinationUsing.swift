package import CountersignCore
package import CountersignOutbound

/// An action whose steps may name a destination of the settings.
package protocol DestinationUsing: Action {
    /// Makes the action of one step; `destinations` is nil where the settings are not known.
    init(options: Options, destinations: Destinations?)
}

extension DestinationUsing {
    /// The action where the settings are not known: plans can be made, and steps that name a destination fail.
    package init(options: Options) {
        self.init(options: options, destinations: nil)
    }
}

extension ActionRegistry {
    /// This registry where the settings define these destinations; nil where they are not known.
    package func knowing(_ destinations: Destinations?) -> ActionRegistry {
        mapping { kind in
            let declaration = kind.declaration.knowing(destinations?.names)
            guard let action = kind.action as? any DestinationUsing.Type else {
                return Kind(declaration: declaration, action: kind.action, make: kind.make)
            }
            return Kind(declaration: declaration, action: action) { options in
                action.init(options: options, destinations: destinations)
            }
        }
    }
}
