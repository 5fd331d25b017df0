/// Workers in processes of their own, made to fail: this program plays the worker.
module ChannelDistillation.Tests.Launch.Workers.CrewTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto
open ChannelDistillation.Data
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Native
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Launch
open ChannelDistillation.Tests.Training
open ChannelDistillation.Training

let private experiment =
    "experiment: shared
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train:
  epochs: 2
  batch: 4
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: constant
losses: { ce: { weight: 1 } }
variants: { student: [ce] }
seeds: [0, 1]
"

/// So many workers lose their GPU; the file says how many have still to.
let private losses (folder: string) = Path.Combine(folder, "losses")

/// One at a time takes the file, and puts it back.
let rec private shallLose (file: string) : bool =
    try
        use stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None)

        match stream.ReadByte() with
        | 0
        | -1 -> false
        | left ->
            stream.Position <- 0L
            stream.WriteByte(byte (left - 1))
            true
    with :? IOException ->
        Thread.Sleep 5
        shallLose file

/// Images of which one is never read: CUDA reports an error instead, from which the process does not recover.
let private losing (images: IImageSet) =
    { new IImageSet with
        member _.Count = images.Count
        member _.Shape = images.Shape
        member _.Label index = images.Label index

        member _.Read(index, augmentation, random, destination) =
            if index = 5 then
                raise (ExternalException "CUDA error: device-side assert triggered")

            images.Read(index, augmentation, &random, destination)

        member _.Dispose() = images.Dispose() }

let private openDataset (file: string) =
    let isLosing = lazy shallLose file

    fun _ ->
        let images = TinyTraining.images 8 1
        let training: IImageSet = if isLosing.Value then losing images else images
        new Dataset(DatasetCatalog.Get "fashion-mnist-mini", training, TinyTraining.images 4 2)

/// The worker, as the program itself has it but for its images. To be called where this program is started as one.
let work (arguments: string array) : int =
    let out = arguments[Array.IndexOf(arguments, "--out") + 1]
    let output = new StreamWriter(Console.OpenStandardOutput())
    Console.SetOut Console.Error
    use source = new CancellationTokenSource()
    let options = Tiny.optionsIn (ChannelDistillation.Workspace(Path.GetDirectoryName out)) out

    try
        Worker.run { options with OpenDataset = Some(openDataset (losses (Path.GetDirectoryName out))) } Console.In output source
        |> ignore

        0
    with :? DeviceLostException as lost ->
        eprintfn "%s" lost.Message
        3

/// A sweep with two workers, of which so many lose their GPU.
let private sweep (folder: TemporaryFolder) workspace (lost: int) =
    File.WriteAllBytes(losses folder.Path, [| byte lost |])

    let options =
        { Tiny.optionsIn workspace (folder.File "runs") with
            Workers = [ Processor 1; Processor 2 ]
            Threads = Some 1
            OpenDataset = None }

    Tiny.sweep options (Tiny.plan folder "shared.yaml" experiment)

let private sentence =
    "The GPU cannot be used by this process any more: CUDA error: device-side assert triggered. Runs go on from their last checkpoints when the command "
    + "is repeated. `nvidia-smi` shows whether the GPU is in order."

let private withoutNumber (text: string) = text.Replace("cpu 1", "cpu").Replace("cpu 2", "cpu")

[<Tests>]
let tests =
    testList
        "workers that lose their GPU"
        [ test "one stops, the other takes its runs over, and the end says what befell it" {
              use folder = new TemporaryFolder()
              let workspace = Tiny.workspaceIn folder
              let outcome = sweep folder workspace 1
              Expect.equal [ for job in outcome.Chosen -> job.State ] [ Done; Done ] "both runs"
              Expect.equal (List.map withoutNumber outcome.Warnings) [ $"cpu: {sentence}" ] "what is said in the end"
              Expect.isEmpty outcome.Missing "nothing keeps the sweep from success"
          }

          test "where all of them do, runs are interrupted and not failed, and the sweep tells why" {
              use folder = new TemporaryFolder()
              let workspace = Tiny.workspaceIn folder
              let outcome = sweep folder workspace 2

              for job in outcome.Chosen do
                  Expect.isTrue (RunState.needsTraining false job.State) $"{job.Run.Name} goes on with the same command"

              Expect.equal (outcome.Missing |> List.map withoutNumber |> List.distinct) [ $"cpu: {sentence}" ] "what is said in the end"
              let again = sweep folder workspace 0
              Expect.equal [ for job in again.Chosen -> job.State ] [ Done; Done ] "and so they do"
          } ]
