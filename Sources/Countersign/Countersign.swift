// Whoever embeds Countersign imports this module alone and sees actions, their options and the program.
@_exported public import CountersignActions
@_exported public import CountersignCLI
@_exported public import CountersignCore
