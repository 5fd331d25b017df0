namespace ChannelDistillation.Lab.Sweep

open System
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers

type SweepOptions =
    {
        Workspace: Workspace
        /// Where experiments put their folders; absolute.
        Out: string
        /// A pattern of run names or variants.
        Only: string option
        /// `auto`, `cpu`, `cuda` or `cuda:N`: what this process trains on.
        Device: string
        /// A process for each of these trains; empty: this one does.
        Workers: WorkerDevice list
        /// A process for the first of them that has been started ahead of the plan, to save time.
        Started: WorkerProcess option
        /// Most runs in a cohort.
        Lanes: int
        Threads: int option
        Computing: Computing
        RetryFailed: bool
        Quiet: bool
        /// Told of the progress; None: it is shown to a person.
        Observer: (TrainingEvent -> unit) option
        /// This sweep as one would type it, for the tables.
        Command: string option
        /// Of several processes that share the sweep, what this one does.
        Part: Part
        /// None: from where datasets lie. Tests train on tiny ones of their own.
        OpenDataset: (DatasetSpec -> Data.Dataset) option
    }

module SweepOptions =
    /// What every process that trains a part of the sweep is told alike.
    let shared (options: SweepOptions) : string list =
        [ yield! Computing.arguments options.Lanes options.Computing
          if options.RetryFailed then
              "--retry-failed" ]

    /// The command line of a worker.
    /// <param name="threads">None: as many as libtorch chooses.</param>
    let ofWorker (options: SweepOptions) (threads: int option) (device: WorkerDevice) : string list =
        [ "sweep"; "--part"; "worker"; "--out"; options.Out; "--device"; WorkerDevice.inWorker device ]
        @ (threads |> Option.map (fun threads -> [ "--threads"; string threads ]) |> Option.defaultValue [])
        @ shared options

type Outcome =
    {
        Results: Results
        /// Where every run of the plan stands now.
        Jobs: Job list
        /// Those of them that were asked for.
        Chosen: Job list
        /// Those that another sweep has in its hands, where this one did not wait for them.
        ClaimedElsewhere: Job list
        Files: string list
        Interrupted: bool
        /// Why some runs could not start.
        Obstacles: string list
        /// What is not there, and files that could not be written.
        Missing: string list
        /// What a person should know of the data, such as broken files.
        Remarks: string list
        /// What is to be known before the table is believed.
        Warnings: string list
        Elapsed: TimeSpan
    }
