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
        /// The folder of all experiments (`--out`); absolute.
        Out: string
        /// A pattern for run names or variants.
        Only: string option
        /// `auto`, `cpu`, `cuda` or `cuda:N`: the device of this process.
        Device: string
        /// One worker process per entry. Empty: this process trains.
        Workers: WorkerDevice list
        /// A process for the first worker, started while the plan is made to save time.
        Started: WorkerProcess option
        /// Maximum number of runs in a cohort.
        Lanes: int
        Threads: int option
        ComputeSettings: ComputeSettings
        RetryFailed: bool
        /// A pattern for completed runs to train again if their code, images or teacher weights have changed.
        Retrain: string option
        /// Whether to use the completed runs of other experiments beside this one.
        Share: bool
        Quiet: bool
        /// Receives the progress. None: it is shown in the terminal.
        Observer: (TrainingEvent -> unit) option
        /// The command line of this sweep, for the tables.
        Command: string option
        /// The part of the sweep that this process does.
        Part: SweepPart
        /// Replaces how datasets are opened, for tests. None: from their folders.
        OpenDataset: (DatasetSpec -> Data.Dataset) option
    }

module SweepOptions =
    /// Opens a dataset.
    let openDataset (options: SweepOptions) : DatasetSpec -> Data.Dataset =
        options.OpenDataset |> Option.defaultValue (fun dataset -> Data.DatasetStore.Open(dataset, options.Workspace))

    /// The options that are the same for every process of the sweep.
    let shared (options: SweepOptions) : string list =
        [ yield! ComputeSettings.arguments options.Lanes options.ComputeSettings
          if options.RetryFailed then
              "--retry-failed"
          if not options.Share then
              "--no-share" ]

    /// The command line of a worker.
    /// <param name="threads">None: libtorch's default.</param>
    let ofWorker (options: SweepOptions) (threads: int option) (device: WorkerDevice) : string list =
        [ "sweep"; "--part"; "worker"; "--out"; options.Out; "--device"; WorkerDevice.inWorker device ]
        @ (threads |> Option.map (fun threads -> [ "--threads"; string threads ]) |> Option.defaultValue [])
        @ shared options

type Outcome =
    {
        Results: Results
        /// Every run of the plan in its current state.
        Jobs: Job list
        /// The runs selected with `--only`.
        Chosen: Job list
        /// The runs that another sweep is training and that this one did not wait for.
        ClaimedElsewhere: Job list
        Files: string list
        Interrupted: bool
        /// Why some runs could not start.
        Obstacles: string list
        /// Missing files and devices, and files that could not be written.
        Missing: string list
        /// Remarks on the data, such as unreadable files.
        Remarks: string list
        /// Warnings that affect how far the results can be trusted.
        Warnings: string list
        Elapsed: TimeSpan
    }
