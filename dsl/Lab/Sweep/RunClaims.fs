namespace ChannelDistillation.Lab.Sweep

open System
open System.Collections.Generic
open System.IO
open System.Threading
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs

/// Distributes runs among sweeps that train the same experiment at the same time: the first to claim a run trains it, the others wait.
/// <param name="patient">Whether to wait for runs claimed by other sweeps. If false, they are left to those sweeps.</param>
/// <param name="failures">Receives the runs whose folders cannot be written.</param>
type RunClaims(retryFailed: bool, patient: bool, failures: Failures, say: string -> unit, stop: CancellationToken) =
    let leases = RunLeases()
    let announced = HashSet<string>()
    let after = if patient then "waiting for it" else "trying it again later"
    let mutable claimedElsewhere: Job list = []

    let tryTake (job: Job) =
        job.Obstacle |> Option.iter (fun reason -> raise (MissingException reason))

        try
            leases.TryTake job.Folder
        with
        | :? IOException
        | :? UnauthorizedAccessException as error ->
            raise (
                MissingException($"Cannot write to {job.Folder}: {error.Message} Make the folder writable, or choose another one with --out.", error)
            )

    /// Whether the run still needs training; another sweep may have trained it in the meantime.
    let isWanted (job: Job) =
        match (Job.refreshed job).State with
        | GaveUp status -> retryFailed && job.State = GaveUp status
        | state -> RunState.needsTraining retryFailed state

    /// Waits until a run claimed by another sweep is released or needs no more training.
    let rec waitForOne (busy: Job list) =
        let isFree (job: Job) =
            // A folder that is no longer writable counts as free; training it then reports the error.
            failures.Around true (fun () ->
                match tryTake job with
                | null, _ -> not (isWanted job)
                | own, _ ->
                    own.Dispose()
                    true)

        if not (List.exists isFree busy) && not (stop.WaitHandle.WaitOne(TimeSpan.FromSeconds 1.0)) then
            waitForOne busy

    /// Claims the runs that no other sweep has, trains them, and releases them.
    /// <returns>The runs that other sweeps have.</returns>
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
                            say $"{job.Run.Name} is being trained by {other}; {after}."
                    | own, _ when isWanted job -> mine.Add((job, own))
                    | own, _ -> own.Dispose())

            if mine.Count > 0 then
                work (List.ofSeq mine)

            // Another process takes a lease over if this one was suspended.
            for job, own in mine do
                if not own.IsHeld then
                    busy.Add job
        finally
            for _, own in mine do
                own.Dispose()

        List.ofSeq busy

    /// The runs that other sweeps had and that were not waited for.
    member _.ClaimedElsewhere = claimedElsewhere

    /// Trains all runs, group by group, then those that other sweeps had claimed and not finished.
    /// `prepare` is called on each group before its runs are claimed, and returns those that can start.
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
