namespace ChannelDistillation.Lab.Slurm

open System
open System.Collections.Generic
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs

/// The state of the runs of a sweep, from their records and the scheduler's queue.
type Status =
    {
        Runs: int
        Completed: int
        /// Diverged or failed.
        GivenUp: int
        /// Runs of running elements, each with its last finished epoch.
        Training: (Job * EpochRecord option) list
        /// Runs of pending elements.
        Waiting: int
        /// Why elements are pending, as Slurm reports it.
        Reasons: string list
    }

    /// Incomplete runs without a job.
    member this.Left = this.Runs - this.Completed - this.GivenUp - this.Training.Length - this.Waiting

module Status =
    /// Refreshes the states of runs (completed ones are not read again) and summarises them.
    /// <param name="retryFailed">Whether runs that diverged or failed are retried: they count as queued while a job for them is queued.</param>
    let read (retryFailed: bool) (jobs: Job list) (entries: QueueEntry list) : Job list * Status =
        let now = jobs |> List.map (fun job -> if job.State = Done then job else Job.refreshed job)
        let running, waiting = entries |> List.partition _.IsRunning
        let inRunning, inWaiting = Queue.runs running, Queue.runs waiting
        let queued = HashSet(Seq.append inRunning inWaiting)

        let isUnfinished (job: Job) = RunState.needsTraining (retryFailed && queued.Contains(Job.nameOf job)) job.State
        let unfinished = now |> List.filter isUnfinished

        now,
        { Runs = now.Length
          Completed = now |> List.filter _.State.IsDone |> List.length
          GivenUp = now |> List.filter (fun job -> job.State.IsGaveUp && not (isUnfinished job)) |> List.length
          Training =
            [ for job in unfinished do
                  if inRunning.Contains(Job.nameOf job) then
                      job, RunFolder(job.Folder).ReadLastEpoch() |> Option.ofObj ]
          Waiting =
            unfinished
            |> List.filter (fun job -> let name = Job.nameOf job in inWaiting.Contains name && not (inRunning.Contains name))
            |> List.length
          Reasons = waiting |> List.filter (fun entry -> entry.Kind = Train) |> List.map _.Reason |> List.distinct |> List.sort }

    /// `12 of 40 runs completed, 4 training, 24 waiting (Resources)`.
    let sentence (status: Status) =
        let reasons = String.Join(", ", status.Reasons |> List.filter (fun reason -> reason <> "None"))
        let why = if reasons = "" then "" else $" ({reasons})"

        [ $"{status.Completed} of {status.Runs} runs completed"
          if status.GivenUp > 0 then
              $"{status.GivenUp} failed or diverged"
          if not status.Training.IsEmpty then
              $"{status.Training.Length} training"
          if status.Waiting > 0 then
              $"{status.Waiting} waiting{why}"
          if status.Left > 0 then
              $"{status.Left} neither trained nor queued" ]
        |> String.concat ", "
