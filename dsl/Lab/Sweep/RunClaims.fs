namespace ChannelDistillation.Lab.Sweep

open System
open System.Collections.Generic
open System.IO
open System.Threading
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs

/// Runs that several sweeps may want at the same time: each is trained by the one that takes it first, the others wait for it.
/// <param name="patient">Whether the others are waited for; if not, their runs are left to them.</param>
/// <param name="failures">Told of runs whose folders cannot be written.</param>
type RunClaims(retryFailed: bool, patient: bool, failures: Failures, say: string -> unit, stop: CancellationToken) =
    let owners = RunLeases()
    let announced = HashSet<string>()
    let after = if patient then "waiting for it" else "it has to wait"
    let mutable claimedElsewhere: Job list = []

    let tryTake (job: Job) =
        job.Obstacle |> Option.iter (fun reason -> raise (MissingException reason))

        try
            owners.TryTake job.Folder
        with
        | :? IOException
        | :? UnauthorizedAccessException as error ->
            raise (
                MissingException(
                    $"Nothing can be written to {job.Folder}: {error.Message} Make the folder writable, or choose another with --out.",
                    error
                )
            )

    /// Another sweep may have done the work since this one looked.
    let isWanted (job: Job) =
        match (Job.refreshed job).State with
        | GaveUp status -> retryFailed && job.State = GaveUp status
        | state -> RunState.needsTraining retryFailed state

    /// Waits until one of the runs that others have is free or needs no training any more.
    let rec waitForOne (busy: Job list) =
        let isFree (job: Job) =
            // A folder that can no longer be written is found out about when its turn comes.
            failures.Around true (fun () ->
                match tryTake job with
                | null, _ -> not (isWanted job)
                | own, _ ->
                    own.Dispose()
                    true)

        if not (List.exists isFree busy) && not (stop.WaitHandle.WaitOne(TimeSpan.FromSeconds 1.0)) then
            waitForOne busy

    /// Takes those of some runs that nobody has, works on them, and gives them back.
    /// <returns>The runs that others have.</returns>
    let share (work: (Job * RunLease) list -> unit) (jobs: Job list) : Job list =
        let mine = List<Job * RunLease>()
        let busy = List<Job>()

        try
            for job in jobs do
                failures.Around () (fun () ->
                    match tryTake job with
                    | null, other ->
                        busy.Add job

                        if announced.Add job.Folder then
                            say $"{job.Run.Name} is in the hands of {other}; {after}."
                    | own, _ when isWanted job -> mine.Add((job, own))
                    | own, _ -> own.Dispose())

            if mine.Count > 0 then
                work (List.ofSeq mine)

            // What another took over, because this process stood still.
            for job, own in mine do
                if not own.IsHeld then
                    busy.Add job
        finally
            for _, own in mine do
                own.Dispose()

        List.ofSeq busy

    /// The runs that others had, where they were not waited for.
    member _.ClaimedElsewhere = claimedElsewhere

    /// Works on all runs, group after group, then on those that others had and did not finish.
    /// `prepare` sees each group before its runs are taken, and leaves those that can start.
    member _.Each (groups: Job list -> Job list list) (prepare: Job list -> Job list) (work: (Job * RunLease) list -> unit) (jobs: Job list) =
        let mutable rest = jobs

        while not rest.IsEmpty && not stop.IsCancellationRequested do
            let busy =
                [ for group in groups rest do
                      if not stop.IsCancellationRequested then
                          yield! share work (prepare group) ]

            if patient then
                if not busy.IsEmpty then
                    waitForOne busy

                rest <- busy |> List.filter isWanted
            else
                claimedElsewhere <- busy
                rest <- []
