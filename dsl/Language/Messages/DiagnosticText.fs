/// What is said about each mistake. Every word that a user reads about an experiment file is in this folder.
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
