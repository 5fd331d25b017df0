/// The message of each diagnostic. This folder holds every text that a user reads about an experiment file.
module internal ChannelDistillation.Dsl.Messages.DiagnosticText

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages.Phrases

let private kinds =
    [ WarningMessages.message
      FileMessages.message
      ValueMessages.message
      ExperimentMessages.message
      GridMessages.message ]

let message (problem: Problem) : Message = kinds |> List.pick (fun kind -> kind problem.Diagnostic)
