/// Waits for jobs that are ending.
module ChannelDistillation.Lab.Slurm.Settling

open System
open ChannelDistillation.Lab.Runs

/// How long jobs may take to end: after a signal they save their state, are killed after Slurm's KillWait, and a site's epilog follows.
let patience = TimeSpan.FromMinutes 3.0

/// Repeats a query until its result no longer depends on jobs that are ending. Only then is it known whether Slurm requeues them.
/// <param name="pause">Waits between two queries.</param>
/// <param name="look">The query: its result, and the numbers of the ending jobs that can change it.</param>
/// <exception cref="UsageError">The jobs take too long to end.</exception>
let wait (clock: TimeProvider) (pause: unit -> unit) (say: string -> unit) (look: unit -> 'found * string list) : 'found =
    let rec again since =
        match look () with
        | found, [] -> found
        | _, jobs when clock.GetElapsedTime since >= patience ->
            let jobs = String.Join(", ", jobs)

            raise (
                UsageError
                    $"Jobs of this experiment have been ending for {patience.TotalMinutes} minutes: {jobs}. Repeat the command when squeue no longer lists them."
            )
        | _ ->
            pause ()
            again since

    match look () with
    | found, [] -> found
    | _, _ ->
        say "Some jobs of this experiment are ending; waiting for them ..."
        pause ()
        again (clock.GetTimestamp())
