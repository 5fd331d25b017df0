/// A cohort for which the operating system has too little memory, in a separate process of this program.
module ChannelDistillation.Tests.Runtime.Training.ScarceMemoryTests

open System
open System.IO
open System.Reflection
open System.Runtime.InteropServices
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

/// Networks of 94 MB; a lane's gradients and optimizer state take twice as much.
let private model = ModelSpec("resnet50", Stem.ImageNet)

let private lanes = 4

/// Counted from the first image, when the networks exist. It is enough for the first step of two lanes (376 MB), but not of four
/// (752 MB); the difference leaves room for kernels, whose needs depend on the CPU.
let private headroom = 560UL * 1024UL * 1024UL

/// The first of them runs out of memory.
let private fewSteps = 3

[<Struct; StructLayout(LayoutKind.Sequential)>]
type private Limit = { Current: uint64; Most: uint64 }

[<DllImport("libc", SetLastError = true)>]
extern int private setrlimit(int resource, Limit& limit)

/// Limits this process to this many bytes beyond its current memory.
let private limitMemory (bytes: uint64) =
    let data = 2
    let line = File.ReadLines "/proc/self/status" |> Seq.find _.StartsWith("VmData:")
    let now = 1024UL * UInt64.Parse(line.Split([| ' '; '\t' |], StringSplitOptions.RemoveEmptyEntries)[1])
    let mutable limit = { Current = now + bytes; Most = now + bytes }

    if setrlimit (data, &limit) <> 0 then
        failwith $"setrlimit: error {Marshal.GetLastPInvokeError()}"

/// Images that call a function when the first of them is read.
let private acting (act: unit -> unit) (images: IImageSet) =
    let first = Lazy<unit>(act, LazyThreadSafetyMode.ExecutionAndPublication)

    { new IImageSet with
        member _.Count = images.Count
        member _.Shape = images.Shape
        member _.Label index = images.Label index

        member _.Read(index, augmentation, random, destination) =
            first.Force()
            images.Read(index, augmentation, &random, destination)

        member _.Dispose() = images.Dispose() }

/// Trains the cohort for some steps after memory has run out, and prints the messages. Called in the separate process.
let work () : int =
    use folder = new TemporaryFolder()

    let openDataset (_: DatasetSpec) =
        new Dataset(DatasetCatalog.Get "fashion-mnist-mini", acting (fun () -> limitMemory headroom) (images 12 1), images 4 2)

    let train =
        TrainSpec(Epochs = 1, Batch = 4, Optimizer = SgdSpec(0.01, 0.9, 0.0), LearningRateSchedule = LearningRateSchedule.Constant())

    let cohort =
        [| for number in 1..lanes ->
               let losses = [ loss "ce" (float number) always ]
               let spec = RunSpec(Dataset = dataset, Student = model, Train = train, Losses = Array.ofList losses, Seed = 7L)
               lane folder "runs" ($"weight-{number}", spec) |]

    let watcher = ref (Watcher())

    watcher.Value <-
        Watcher(fun steps ->
            if steps = fewSteps then
                for line in watcher.Value.Said do
                    printfn "%s" line

                // Without saving hundreds of megabytes.
                (folder :> IDisposable).Dispose()
                exit 0)

    let options = TrainingOptions(Workspace folder.Path, "cpu", OpenDataset = openDataset)

    CohortTrainer.Train(cohort, options, watcher.Value.On, CancellationToken.None)

    for ended in watcher.Value.Ended do
        eprintfn "%s: %s" ended.Key ended.Value.Message

    1

/// The exit code of a process that SIGABRT ended.
let private aborted = 134

[<Tests>]
let tests =
    testList
        "scarce memory"
        [ test "A cohort that runs out of memory within a step is halved and continues" {
              if not (OperatingSystem.IsLinux()) then
                  skiptest "the memory of a process is limited on Linux only"

              let code, output, errors = ChildProcess.Run("dotnet", [ Assembly.GetExecutingAssembly().Location; "scarce-memory" ])

              if code = aborted then
                  skiptest "the limit met .NET before it met libtorch"

              Expect.equal code 0 (output + errors)
              // Whether two then fit depends on what kernels need on this CPU.
              Expect.stringStarts output "Out of memory: training continues with 2 of 4 runs; the others follow.\n" "what is said first"
          } ]
