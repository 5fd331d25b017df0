/// Waits for jobs that are just ending.
module ChannelDistillation.Lab.Slurm.Settling

open System
open ChannelDistillation.Lab.Runs

/// How long jobs may take to end: they get a signal, save, and are killed after Slurm's KillWait; a site's epilog follows.
let patience = TimeSpan.FromMinutes 3.0

/// Looks until nothing depends any more on jobs that are ending: only then it shows whether Slurm queues them again, and what is left to do.
/// <param name="pause">Lets the time between two looks pass.</param>
/// <param name="look">What there is, and the numbers of the ending jobs on which that depends.</param>
/// <exception cref="UsageError">They take too long.</exception>
let wait (clock: TimeProvider) (pause: unit -> unit) (say: string -> unit) (look: unit -> 'found * string list) : 'found =
    let rec again since =
        match look () with
        | found, [] -> found
        | _, jobs when clock.GetElapsedTime since >= patience ->
            let jobs = String.Join(", ", jobs)

            raise (
                UsageError
                    $"Jobs of this experiment have been ending for {patience.TotalMinutes} minutes: {jobs}. Repeat the command when squeue no longer shows them."
            )
        | _ ->
            pause ()
            again since

    match look () with
    | found, [] -> found
    | _, _ ->
        say "Some jobs of this experiment are just ending; waiting for them ..."
        pause ()
        again (clock.GetTimestamp())
