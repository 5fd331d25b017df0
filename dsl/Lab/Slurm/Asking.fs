/// Asks a scheduler that may be busy, or just be started again.
module ChannelDistillation.Lab.Slurm.Asking

open System
open ChannelDistillation.Core

/// How long it may give no answer.
let patience = TimeSpan.FromMinutes 30.0

type Asked<'answer> =
    | Answer of 'answer
    /// Somebody left.
    | Stopped
    /// None for too long; with the last reason.
    | NoAnswer of reason: string

/// Asks until there is an answer.
/// <param name="wait">Lets the time between two questions pass; false: somebody leaves.</param>
/// <param name="say">Told when the answer stays away, and when it comes after that.</param>
let ask (clock: TimeProvider) (wait: unit -> bool) (say: string -> unit) (question: unit -> 'answer) : Asked<'answer> =
    let once () =
        try
            Ok(question ())
        with :? MissingException as error ->
            Error error.Message

    let rec again since reason =
        if clock.GetElapsedTime since >= patience then
            NoAnswer reason
        elif not (wait ()) then
            Stopped
        else
            match once () with
            | Ok answer ->
                say "the scheduler answers again"
                Answer answer
            | Error reason -> again since reason

    match once () with
    | Ok answer -> Answer answer
    | Error reason ->
        let since = clock.GetTimestamp()
        say "the scheduler does not answer; asking again"
        again since reason
