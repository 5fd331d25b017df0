/// Errors outside of all lanes, or in a lane without a loss that shows them.
module ChannelDistillation.Tests.Runtime.Training.SharedFailureTests

open System
open System.IO
open System.Runtime.InteropServices
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Native
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

/// Images that call a function when they are read.
let private reading (images: IImageSet) (act: int -> unit) =
    { new IImageSet with
        member _.Count = images.Count
        member _.Shape = images.Shape
        member _.Label index = images.Label index

        member _.Read(index, augmentation, random, destination) =
            act index
            images.Read(index, augmentation, &random, destination)

        member _.Dispose() = images.Dispose() }

let private optionsOf (folder: TemporaryFolder) (training: unit -> IImageSet) =
    TrainingOptions(
        Workspace folder.Path,
        "cpu",
        OpenDataset = fun _ -> new Dataset(DatasetCatalog.Get "fashion-mnist-mini", training (), images 10 2)
    )

let private alone epochs = spec null (train epochs 0.02) [ loss "ce" 1.0 always ]

let private two (folder: TemporaryFolder) epochs = [ for name in [ "first"; "second" ] -> lane folder "lanes" (name, alone epochs) ]

let private run options lanes =
    let watcher = Watcher()
    CohortTrainer.Train(Array.ofList lanes, options, watcher.On, Threading.CancellationToken.None)
    watcher

[<Tests>]
let tests =
    testList
        "training: shared trouble"
        [ testCase "An error in the images ends only the cohort's runs, with the reason"
          <| fun () ->
              use folder = new TemporaryFolder()

              let broken () =
                  reading (images imageCount 1) (fun index ->
                      if index = 12 then
                          invalidOp "a broken shelf")

              let watcher = run (optionsOf folder broken) (two folder 1)

              Expect.equal
                  [ for entry in watcher.Ended -> entry.Key, entry.Value.Status, entry.Value.Message ]
                  [ for name in [ "first"; "second" ] -> name, RunStatus.Failed, "InvalidOperationException: a broken shelf" ]
                  "how they ended"

          testCase "A cohort that runs out of memory in a shared part is halved"
          <| fun () ->
              use folder = new TemporaryFolder()
              let mutable shortages = 1

              let scarce () =
                  reading (images imageCount 1) (fun index ->
                      if index = 12 && Threading.Interlocked.Decrement &shortages = 0 then
                          raise (OutOfMemoryException()))

              let lanes = two folder 1
              let watcher = run (optionsOf folder scarce) lanes
              Expect.equal (List.ofSeq watcher.Said) [ "Out of memory: the 2 runs are trained in two halves, one after the other." ] "what is said"
              let clean = lane folder "clean" ("clean", alone 1)
              run (optionsOf folder (fun () -> images imageCount 1)) [ clean ] |> ignore

              for lane in lanes do
                  Expect.equal watcher.Ended[lane.Name].Status RunStatus.Completed lane.Name
                  Expect.equal (outcome lane) (outcome clean) "as in a cohort that had enough"

          testCase "A run that has just diverged is not saved when memory runs out"
          <| fun () ->
              use folder = new TemporaryFolder()
              let mutable readings = 0

              // The second batch is the first one that runs out of memory.
              let scarce () =
                  reading (images imageCount 1) (fun _ ->
                      if Threading.Interlocked.Increment &readings = 8 then
                          raise (OutOfMemoryException()))

              let diverging = lane folder "lanes" ("diverging", spec null (train 1 1e39) [ loss "ce" 1.0 always ])
              let sound = lane folder "lanes" ("sound", alone 1)
              let watcher = run (optionsOf folder scarce) [ diverging; sound ]
              Expect.equal watcher.Ended["sound"].Status RunStatus.Completed "the other"
              Expect.equal watcher.Ended["diverging"].Status RunStatus.Diverged "status"

              Expect.equal
                  watcher.Ended["diverging"].Message
                  "In epoch 1, by step 1, `student.conv1.weight` became infinite or NaN. There is no checkpoint yet. A smaller learning rate or loss weight, or a warm-up, may help."
                  "what is said"

          testCase "A lost GPU interrupts the cohort's runs, and ends all training in this process"
          <| fun () ->
              use folder = new TemporaryFolder()
              let mutable readings = 0

              // In the second epoch, which should not end.
              let failing () =
                  reading (images imageCount 1) (fun _ ->
                      if Threading.Interlocked.Increment &readings = 2 * imageCount - 4 then
                          raise (
                              ExternalException(
                                  "CUDA error: an illegal memory access was encountered\n"
                                  + "CUDA kernel errors might be asynchronously reported at some other API call"
                              )
                          ))

              let lanes = two folder 2
              let watcher = Watcher()

              let said =
                  try
                      CohortTrainer.Train(Array.ofList lanes, optionsOf folder failing, watcher.On, Threading.CancellationToken.None)
                      "nothing"
                  with :? DeviceLostException as lost ->
                      lost.Message

              Expect.equal
                  said
                  ("This process can no longer use the GPU: CUDA error: an illegal memory access was encountered. Repeat the command to resume runs from their last "
                   + "checkpoints; `nvidia-smi` shows the state of the GPU.")
                  "what a person is told"

              for lane in lanes do
                  let result = nonNull (RunFolder(lane.Folder).ReadResult())
                  Expect.equal (result.Status, result.Message) (RunStatus.Interrupted, said) lane.Name
                  Expect.equal watcher.Ended[lane.Name].Status RunStatus.Interrupted $"{lane.Name}, as it is shown"

              let clean = lane folder "clean" ("clean", alone 2)
              run (optionsOf folder (fun () -> images imageCount 1)) (clean :: lanes) |> ignore

              for lane in lanes do
                  Expect.equal (outcome lane) (outcome clean) "it goes on, to the same end"

          testCase "An interrupted run restarts from scratch if images were removed in the meantime"
          <| fun () ->
              use folder = new TemporaryFolder()
              let lane' place = lane folder place ("student", alone 2)
              use stop = new Threading.CancellationTokenSource()

              let watcher =
                  Watcher(fun steps ->
                      if steps = 3 then
                          stop.Cancel())

              CohortTrainer.Train([| lane' "broken" |], optionsOf folder (fun () -> images imageCount 1), watcher.On, stop.Token)
              let fewer = optionsOf folder (fun () -> images 10 1)
              let resumed = run fewer [ lane' "broken" ]

              Expect.equal
                  (List.ofSeq resumed.Said)
                  [ "student restarts from scratch: the images of the dataset have changed since it started." ]
                  "what is said"

              run fewer [ lane' "clean" ] |> ignore
              Expect.equal (outcome (lane' "broken")) (outcome (lane' "clean")) "as if it had begun with them"

          testCase "An interrupted run of an earlier version, which recorded only labels, resumes with them"
          <| fun () ->
              use folder = new TemporaryFolder()
              let lane' place = lane folder place ("student", alone 2)
              let options = optionsOf folder (fun () -> images imageCount 1)
              use stop = new Threading.CancellationTokenSource()

              let watcher =
                  Watcher(fun steps ->
                      if steps = 3 then
                          stop.Cancel())

              CohortTrainer.Train([| lane' "broken" |], options, watcher.On, stop.Token)
              let file = Path.Combine((lane' "broken").Folder, "run.json")

              let labels =
                  use dataset = options.OpenDataset.Invoke((alone 2).Dataset)
                  dataset.LabelFingerprint()

              let recorded = string (RunFolder((lane' "broken").Folder).ReadImages())
              File.WriteAllText(file, (File.ReadAllText file).Replace(recorded, labels))
              Expect.isEmpty (run options [ lane' "broken" ]).Said "what is said"
              run options [ lane' "clean" ] |> ignore
              Expect.equal (outcome (lane' "broken")) (outcome (lane' "clean")) "as if never interrupted"

          testCase "A run with an infinite state has diverged even if its losses are finite, and no such state is saved"
          <| fun () ->
              use folder = new TemporaryFolder()
              let huge = lane folder "huge" ("huge", spec null (train 3 0.05) [ loss "ce" 1e10 always ])
              let watcher = run (optionsOf folder (fun () -> images imageCount 1)) [ huge ]
              Expect.equal watcher.Ended["huge"].Status RunStatus.Diverged "how it ended"
              let checkpoints = Path.Combine(huge.Folder, "checkpoints")

              for file in (if Directory.Exists checkpoints then Directory.GetFiles checkpoints else [||]) do
                  let bytes = File.ReadAllBytes file
                  let start = 8 + int (BitConverter.ToInt64(bytes, 0))

                  let numbers = MemoryMarshal.Cast<byte, float32>(ReadOnlySpan(bytes, start, (bytes.Length - start) / 4 * 4))

                  Expect.isFalse (numbers.IndexOf Single.PositiveInfinity >= 0) $"{Path.GetFileName file} has an infinity" ]
