/// Queries a scheduler that may be busy or restarting.
module ChannelDistillation.Lab.Slurm.SchedulerQuery

open System
open ChannelDistillation.Core

/// How long the scheduler may not answer before the query fails.
let patience = TimeSpan.FromMinutes 30.0

type QueryResult<'answer> =
    | Answer of 'answer
    /// The user stopped waiting.
    | Stopped
    /// No answer for too long; `reason` is the last error.
    | NoAnswer of reason: string

/// Repeats a query until it is answered.
/// <param name="wait">Waits between two queries; false: the user stops waiting.</param>
/// <param name="say">Receives a message when answers stop and when they resume.</param>
let ask (clock: TimeProvider) (wait: unit -> bool) (say: string -> unit) (question: unit -> 'answer) : QueryResult<'answer> =
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
        say "the scheduler does not answer; retrying"
        again since reason
