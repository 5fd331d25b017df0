/// The worker process of these tests: this program, with synthetic images.
module ChannelDistillation.Tests.Lab.Workers.TestWorker

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Native
open ChannelDistillation.Data
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs
open ChannelDistillation.Tests.Runtime.Training

/// The worker of the program, except for its images and faults. Called when this program is started as a worker.
let work (arguments: string array) : int =
    let out = arguments[Array.IndexOf(arguments, "--out") + 1]
    let root = nonNull (Path.GetDirectoryName out)
    use output = new StreamWriter(StandardOutput.Take())
    Faults.printNatively ()
    Faults.atBegin root output
    AtomicFile.Writing <- Faults.atWriting root

    let openDataset _ =
        new ChannelDistillation.Data.Dataset(
            DatasetCatalog.Get "fashion-mnist-mini",
            Faults.images root (TinyTraining.images 8 1),
            TinyTraining.images 4 2
        )

    use source = new CancellationTokenSource()

    let options =
        { TinySweep.optionsIn (Workspace root) out with
            Threads = Some 1
            RetryFailed = Array.contains "--retry-failed" arguments
            Retrain = None
            Share = true
            OpenDataset = Some openDataset }

    try
        Worker.run options Console.In output source |> ignore
        0
    with
    | :? DeviceLostException as lost ->
        eprintfn "%s" lost.Message
        3
    | :? MissingException as missing ->
        eprintfn "%s" missing.Message
        3

/// Fails after a time limit, and kills the workers.
let limited (work: unit -> 'result) : 'result =
    let task = Task.Run<'result>(Func<'result> work)

    if not ((task :> IAsyncResult).AsyncWaitHandle.WaitOne(TimeSpan.FromMinutes 5.0)) then
        WorkerProcess.KillAll()
        failtest "five minutes went by"

    task.GetAwaiter().GetResult()

/// A sweep with workers, in a separate workspace.
let sweep (folder: TemporaryFolder) (workers: WorkerDevice list) (experiment: string) (more: SweepOptions -> SweepOptions) : Outcome =
    let options = TinySweep.optionsIn (Workspace folder.Path) (folder.File "runs")
    let options = more { options with Workers = workers; Threads = Some 1; OpenDataset = None }
    limited (fun () -> TinySweep.sweep options (TinySweep.plan folder "experiment.yaml" experiment))

/// Replaces process IDs, which are not known in advance.
let withoutNumbers (text: string) =
    Text.RegularExpressions.Regex.Replace(text, @"process \d+|cpu \d", fun (found: Text.RegularExpressions.Match) -> found.Value.Split(' ')[0])
