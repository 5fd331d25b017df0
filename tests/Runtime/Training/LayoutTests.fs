/// The memory layout of networks: chosen once, recorded, and kept for the life of a run.
module ChannelDistillation.Tests.Runtime.Training.LayoutTests

open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open TorchSharp
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining
open ChannelDistillation.Core
open ChannelDistillation.Models

let private inLayout (layout: LayoutRequest) (folder: TemporaryFolder) =
    let options = options folder
    TrainingOptions(options.Workspace, options.Device, Layout = layout, OpenDataset = options.OpenDataset)

/// Trains for this many steps; 0: to the end.
let private trainIn layout folder step (lanes: LaneSpec list) =
    use stop = new CancellationTokenSource()

    let watcher =
        Watcher(fun steps ->
            if steps = step then
                stop.Cancel())

    CohortTrainer.Train(Array.ofList lanes, inLayout layout folder, watcher.On, stop.Token)
    watcher

let private auto, channelsLast, contiguous = LayoutRequest.Auto, LayoutRequest.ChannelsLast, LayoutRequest.Contiguous
let private taught = variants 1 |> List.find (fun (name, _) -> name = "cd+gkd")

let private at (name: string) (json: JsonNode) : JsonNode = nonNull json[name]

let private recorded (run: LaneSpec) =
    let sessions = at "sessions" (nonNull (RunFolder(run.Folder).ReadRun()))

    [ for session in sessions.AsArray() ->
          match (at "hardware" (nonNull session))["layout"] with
          | null -> "none"
          | layout -> layout.ToJsonString() ]

let private both name = $"""{{"student":"{name}","teacher":"{name}"}}"""

let private layoutFiles (folder: TemporaryFolder) =
    let path = Path.Combine(Workspace(folder.Path).Cache, "layouts")
    if Directory.Exists path then List.ofArray (Directory.GetFiles path) else []

/// The timings on this machine, for a network that is evaluated.
let private evaluated (folder: TemporaryFolder) =
    LayoutChoice(Workspace folder.Path, "cpu", auto).OfEvaluation(ModelSpec "resnet8", dataset, Precision.Float32)

let private edit file (change: JsonObject -> unit) =
    let json = (nonNull (JsonNode.Parse(File.ReadAllText file))).AsObject()
    change json
    File.WriteAllText(file, json.ToJsonString())

let private opposite =
    function
    | "channels_last" -> "contiguous", TensorLayout.Contiguous
    | _ -> "channels_last", TensorLayout.ChannelsLast

let private models =
    // One of each family, and both kinds of units.
    [ "resnet8"
      "resnet50"
      "wrn16-1"
      "vgg8"
      "mobilenetv1"
      "mobilenetv2"
      "shufflenetv1"
      "shufflenetv2"
      "resnet8-assisted" ]

let private sameInBoth (name: string) =
    use _ = torch.NewDisposeScope()
    let descriptor = ModelCatalog.Get name
    let images = Golden.images [| 4L; 3L; 32L; 32L |] 1.0

    let results layout =
        use network = descriptor.Build(ModelSpec name, ImageShape(3, 32, 32), 10)
        Golden.fill 5.0 (network.state_dict ())
        network.eval ()
        network.Arrange layout
        let output = network.Run images
        output.Logits.square().mean().backward()
        let strides = [ for map in output.Features -> map.stride () ]

        let gradients =
            [ for struct (name, parameter) in network.named_parameters () do
                  match parameter.grad with
                  | null -> ()
                  | gradient -> name, Golden.toArray gradient ]

        strides, Golden.toArray output.Logits, gradients

    let last, logits, gradients = results TensorLayout.ChannelsLast
    let first, sameLogits, sameGradients = results TensorLayout.Contiguous
    Expect.all last (fun strides -> strides[1] = 1L) "channels side by side"
    Expect.all first (fun strides -> strides[3] = 1L) "pixels side by side"
    Golden.close 1e-3 logits sameLogits "logits"
    Expect.equal (List.map fst sameGradients) (List.map fst gradients) "what has a gradient"

    for (name, expected), (_, gradient) in List.zip gradients sameGradients do
        Golden.close 1e-2 expected gradient name

[<Tests>]
let tests =
    testSequenced
    <| testList
        "memory layout"
        [ for name in models do
              testCase $"The outputs of {name} are the same in both layouts, and its maps have the layout that was set"
              <| fun () -> sameInBoth name

          test "The layouts of student and teacher are recorded for each session" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let run, alone = lane folder "runs" taught, lane folder "runs" (List.head (variants 1))
              trainIn contiguous folder 0 [ run; alone ] |> ignore
              Expect.equal (recorded run) [ both "contiguous" ] "with a teacher"
              Expect.equal (recorded alone) [ """{"student":"contiguous","teacher":null}""" ] "without one"
              Expect.isEmpty (layoutFiles folder) "nothing is timed for a layout that is given"
          }

          test "A run keeps the layout that it started with, so that it resumes to identical results" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let whole, other = lane folder "whole" taught, lane folder "other" taught
              trainIn contiguous folder 0 [ whole ] |> ignore
              trainIn channelsLast folder 0 [ other ] |> ignore
              Expect.notEqual (outcome whole) (outcome other) "sums in another order"

              for request in [ auto; LayoutRequest.Kept ] do
                  let broken = lane folder $"broken, {request}" taught
                  trainIn contiguous folder 3 [ broken ] |> ignore
                  trainIn request folder 0 [ broken ] |> ignore
                  Expect.equal (recorded broken) [ both "contiguous"; both "contiguous" ] $"both sessions, {request}"
                  Expect.equal (outcome broken) (outcome whole) $"as if never interrupted, {request}"

              Expect.isEmpty (layoutFiles folder) "nothing is timed for a run that has one"
          }

          test "A new run is channels-last by default, and nothing is timed" {
              use folder = new TemporaryFolder()
              let choice = LayoutChoice(Workspace folder.Path, "cpu")
              Expect.equal (choice.Of(snd taught)) RunLayouts.ChannelsLast "student and teacher"
              Expect.isEmpty (layoutFiles folder) "files"
          }

          test "A run of an earlier version without a recorded layout is channels-last" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let run = lane folder "runs" taught
              trainIn channelsLast folder 3 [ run ] |> ignore

              edit (Path.Combine(run.Folder, "run.json")) (fun json ->
                  let session = nonNull ((at "sessions" json).AsArray()[0])

                  for holder in [ json :> JsonNode; session ] do
                      (at "hardware" holder).AsObject().Remove "layout" |> ignore)

              trainIn auto folder 0 [ run ] |> ignore
              Expect.equal (List.last (recorded run)) (both "channels-last") "the second session"
              Expect.isEmpty (layoutFiles folder) "nothing is timed"
          }

          test "A run changes its layout if another one is given, and the session records it" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let run = lane folder "runs" taught
              trainIn channelsLast folder 3 [ run ] |> ignore
              trainIn contiguous folder 0 [ run ] |> ignore
              Expect.equal (recorded run) [ both "channels-last"; both "contiguous" ] "the sessions"
          }

          test "A cohort is divided by the teacher's layout, and each run ends as it would alone" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let runs place = [ for name, spec in variants 1 -> lane folder place (name, spec) ]

              let layoutOf (run: LaneSpec) = if run.Name = "cd+gkd" then contiguous else channelsLast

              for run in runs "whole" do
                  trainIn (layoutOf run) folder 0 [ run ] |> ignore

              for run in runs "broken" do
                  trainIn (layoutOf run) folder 2 [ run ] |> ignore

              let watcher = trainIn auto folder 0 (runs "broken")
              Expect.equal watcher.Steps (2 * 3) "steps of two cohorts"

              for whole, broken in List.zip (runs "whole") (runs "broken") do
                  Expect.equal (outcome broken) (outcome whole) whole.Name
          }

          test "Layouts are timed once per machine and network, and the result is cached" {
              use folder = new TemporaryFolder()
              let layout = evaluated folder
              let file = List.exactlyOne (layoutFiles folder)
              let json = (nonNull (JsonNode.Parse(File.ReadAllText file))).AsObject()
              let seconds (name: string) = (at name json).GetValue<float>()
              let kept = (at "faster" json).GetValue<string>()
              Expect.equal kept (if layout = TensorLayout.Contiguous then "contiguous" else "channels_last") "kept"

              Expect.equal
                  (layout = TensorLayout.Contiguous)
                  (seconds "channels_last_seconds" >= 1.05 * seconds "contiguous_seconds")
                  "contiguous where it is at least 5 % faster"

              let name, other = opposite kept
              edit file (fun json -> json["faster"] <- JsonValue.Create name)
              Expect.equal (evaluated folder) other "it is read, not timed again"

              LayoutChoice(Workspace folder.Path, "cpu", auto).Of(snd taught) |> ignore
              Expect.equal (layoutFiles folder).Length 3 "a student in training and its teacher are timed apart"
          }

          test "Layouts are timed again if the cache is damaged or of another machine" {
              use folder = new TemporaryFolder()
              evaluated folder |> ignore
              let file = List.exactlyOne (layoutFiles folder)
              let whole = nonNull (JsonNode.Parse(File.ReadAllText file))

              for damage in
                  [ (fun () -> File.WriteAllText(file, "nonsense"))
                    (fun () -> edit file (fun json -> json["libtorch"] <- JsonValue.Create "0.1"))
                    (fun () -> edit file (fun json -> json.Remove "faster" |> ignore)) ] do
                  damage ()
                  evaluated folder |> ignore
                  let now = nonNull (JsonNode.Parse(File.ReadAllText file))

                  for name in [ "processor"; "libtorch"; "network" ] do
                      Expect.isTrue (JsonNode.DeepEquals(at name now, at name whole)) name
          }

          test "A layout that cannot be cached is channels-last" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Workspace(folder.Path).Cache, "a file where the folder must be")
              Expect.equal (evaluated folder) TensorLayout.ChannelsLast "layout"
          }

          test "Layouts are channels-last on a GPU" {
              use folder = new TemporaryFolder()
              let choice = LayoutChoice(Workspace folder.Path, "cuda:0", auto)
              Expect.equal (choice.Of(snd taught)) RunLayouts.ChannelsLast "student and teacher"
              Expect.isEmpty (layoutFiles folder) "and nothing is timed"
          } ]
