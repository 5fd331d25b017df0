/// Sweeps in worker processes: of one device, and of several, `--device cpu,cpu`.
module ChannelDistillation.Tests.Cli.WorkerTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

/// A checkpoint after every step, a teacher trained on the way, runs without a teacher, and steps small enough to interrupt a run.
let private experiment =
    "experiment: shared
dataset: { image_folder: photos, classes: 2 }
teacher: { model: resnet8, train: { epochs: 1 } }
student: { model: resnet8 }
checkpoint_minutes: 0.00001
train:
  epochs: 2
  batch: 2
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: constant
losses:
  ce: { weight: 1 }
  cd: { weight: 6 }
variants:
  student: [ce]
  cd: [ce, cd]
seeds: [0, 1]
"

let private arguments device = [ "sweep"; "shared.yaml"; "--out"; "runs"; "--threads"; "1"; "--device"; device ]
let private withoutWorker = arguments "cpu" @ [ "--no-worker" ]

let private prepared () =
    let folder = new TemporaryFolder()
    TestImages.folder (folder.File "photos") [ "cat"; "dog" ] 8 1 |> ignore
    File.WriteAllText(folder.File "shared.yaml", experiment)
    folder

let private start (folder: TemporaryFolder) device = new Started(folder.Path, arguments device, folder.Path)

/// The files in the folder, without `pretrain/hashes`, which has paths and times, and plan.json, which has the command.
let private outcome (folder: TemporaryFolder) =
    [ for part in [ "runs/shared"; "pretrain" ] do
          for name, content in Outcome.ofFolder (folder.File part) do
              if not (name.StartsWith "hashes") && name <> "plan.json" then
                  $"{part}/{name}", content ]

/// The files and the output of a sweep in one process.
let private single =
    lazy
        (use folder = prepared ()
         use sweep = new Started(folder.Path, withoutWorker, folder.Path)
         let code, output, errors = sweep.End()
         expectExit 0 (code, output, errors)
         outcome folder, output)

let private expectSame (folder: TemporaryFolder) =
    let actual = outcome folder
    let expected = fst single.Value
    Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

    for (name, expected), (_, actual) in List.zip expected actual do
        Expect.equal actual expected name

let private runFolders (folder: TemporaryFolder) =
    if Directory.Exists(folder.File "runs/shared") then
        Directory.GetDirectories(folder.File "runs/shared") |> List.ofArray
    else
        []

/// The number of sessions of each run.
let private starts (folder: TemporaryFolder) =
    [ for run in runFolders folder ->
          let json = JsonNode.Parse(File.ReadAllText(Path.Combine(run, "run.json")))
          json["sessions"].AsArray().Count ]

/// The processes that have runs with a checkpoint.
let private owner (run: string) =
    try
        if File.Exists(Path.Combine(run, "checkpoints", "latest.state.safetensors")) then
            let json = JsonNode.Parse(File.ReadAllText(Path.Combine(run, ".owner")))
            Some(json["process"].GetValue<int>())
        else
            None
    with
    | :? IOException
    | :? Text.Json.JsonException -> None

let private owners folder = runFolders folder |> List.choose owner |> List.distinct

/// Waits for an event in the program. The limit only prevents a hanging test.
let private waitUntil (sweep: Started) what (condition: unit -> bool) =
    let clock = Stopwatch.StartNew()

    while not (condition ()) do
        if sweep.HasEnded then
            failtest $"it ended before {what}: {sweep.End()}"

        if clock.Elapsed > TimeSpan.FromMinutes 3.0 then
            failtest $"three minutes went by before {what}"

        Thread.Sleep 5

let private signal (name: string) (id: int) =
    use kill = Process.Start("kill", [ $"-{name}"; string id ])
    kill.WaitForExit()

/// Waits until two workers train, each within a run. The first is stopped until `resume`, because it could otherwise complete its run.
let private twoTraining (folder: TemporaryFolder) (sweep: Started) =
    waitUntil sweep "a worker trained" (fun () -> not (owners folder).IsEmpty)
    let first = (owners folder).Head
    signal "STOP" first
    waitUntil sweep "two workers trained" (fun () -> (owners folder).Length = 2)
    owners folder, (fun () -> signal "CONT" first)

let private isRunning (id: int) =
    try
        use running = Process.GetProcessById id
        not running.HasExited
    with :? ArgumentException ->
        false

/// Waits for processes that have ended and that the system removes later.
let private expectEnd (workers: int list) =
    let clock = Stopwatch.StartNew()

    while List.exists isRunning workers && clock.Elapsed < TimeSpan.FromMinutes 1.0 do
        Thread.Sleep 20

    Expect.isFalse (List.exists isRunning workers) "the workers have ended"

/// The runs that were saved and resume.
let private interrupted (folder: TemporaryFolder) =
    runFolders folder
    |> List.filter (fun run ->
        let result = Path.Combine(run, "result.json")
        File.Exists result && File.ReadAllText(result).Contains "\"interrupted\"")

let private nothingLeftBehind (folder: TemporaryFolder) =
    for pattern in [ ".owner*"; "*.tmp" ] do
        Expect.isEmpty (Directory.GetFiles(folder.Path, pattern, SearchOption.AllDirectories)) pattern

let private onUnix name work =
    test name {
        if OperatingSystem.IsWindows() then
            skiptest "Windows has no such signals"

        work ()
    }

[<Tests>]
let tests =
    testSequenced
    <| testList
        "workers"
        [ test "A single worker produces the files and output of one process, and the process that started it never loads libtorch" {
              use folder = prepared ()
              use sweep = start folder "cpu"
              waitUntil sweep "its worker trained" (fun () -> not (owners folder).IsEmpty)

              if OperatingSystem.IsLinux() then
                  let mapped (id: int) = File.ReadLines $"/proc/{id}/maps" |> Seq.exists (fun line -> line.Contains "libtorch")
                  let worker = (owners folder).Head
                  Expect.notEqual worker sweep.Id "another process trains"
                  Expect.isTrue (mapped worker) "with libtorch"
                  Expect.isFalse (mapped sweep.Id) "this one is without it"

              let code, output, errors = sweep.End()
              expectExit 0 (code, output, errors)
              Expect.equal errors "" "nothing went wrong"
              expectSame folder
              nothingLeftBehind folder

              // Without the command, times and speeds.
              let varies (line: string) =
                  line.Contains "images/s"
                  || line.Contains "runs completed, in"
                  || line.StartsWith "Command: "
                  || line.StartsWith "Runs from "

              let lines (text: string) =
                  text.Split '\n'
                  |> Array.filter (varies >> not)
                  |> Array.map (fun line -> Text.RegularExpressions.Regex.Replace(line, @" +\d+ s \|$", " TIME |"))
                  |> List.ofArray

              Expect.equal (lines output) (lines (snd single.Value)) "message"
          }

          onUnix "A killed single worker is replaced with identical files, and progress and summary report it" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu"
              waitUntil sweep "its worker trained" (fun () -> not (owners folder).IsEmpty)
              let killed = (owners folder).Head
              signal "KILL" killed
              let code, output, errors = sweep.End()
              expectExit 0 (code, output, errors)
              Expect.equal errors "" "nothing else"
              expectSame folder
              nothingLeftBehind folder

              let sentence =
                  $"The training process on cpu (process {killed}) was killed by SIGKILL (sent by the kernel when memory runs out, or by another process) while it "
                  + "trained student-seed0, cd-seed0. Each run resumes from its last checkpoint, alone.\n"

              Expect.stringContains output ("\n" + sentence) "when it happened"
              Expect.stringContains output ("\nWarning: " + sentence) "in the end")

          test "Two workers share a sweep and produce the files of one process" {
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              let code, output, errors = sweep.End()
              expectExit 0 (code, output, errors)
              Expect.equal errors "" "nothing went wrong"
              expectSame folder
              Expect.equal (starts folder) [ 1; 1; 1; 1 ] "each run was started once"
              nothingLeftBehind folder

              for line in
                  [ "Training 4 of 4 runs on cpu 1, cpu 2, 1 thread each.\n"
                    " | teacher: teacher resnet8 (1 epoch of 8 steps)\n"
                    " | cohort: student-seed0 (2 epochs of 8 steps)\n"
                    "4 of 4 runs completed, in " ] do
                  Expect.stringContains output line "message"

              use again = start folder "cpu,cpu"
              let code, output, _ = again.End()
              Expect.equal code 0 "nothing is left to do"
              Expect.isFalse (output.Contains "Training") "nor done"
              Expect.equal (starts folder) [ 1; 1; 1; 1 ] "nor started"
          }

          onUnix "When one of two workers is killed, the sweep produces identical files" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              waitUntil sweep "two workers trained" (fun () -> (owners folder).Length = 2)
              let killed = (owners folder).Head
              signal "KILL" killed
              let code, output, errors = sweep.End()
              expectExit 0 (code, output, errors)
              expectSame folder
              nothingLeftBehind folder
              Expect.equal (List.sum (starts folder)) 5 "one run was started again, and no other"

              let sentence =
                  "The training process on cpu [12] "
                  + $"\\(process {killed}\\) was killed by SIGKILL \\(sent by the kernel when memory runs out, or by another process\\) while it trained "
                  + "[a-z]+-seed[01]\\. The run resumes from its last checkpoint\\.\n"

              Expect.isMatch output ("\n" + sentence) "when it happened"
              Expect.isMatch output ("\nWarning: " + sentence) "in the end")

          onUnix "SIGINT saves the state of all workers, and the same command resumes" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              waitUntil sweep "two workers trained" (fun () -> (owners folder).Length = 2)
              let workers = owners folder
              // A terminal sends SIGINT to all processes.
              for id in sweep.Id :: workers do
                  signal "INT" id

              let code, output, errors = sweep.End()
              expectExit 130 (code, output, errors)
              let command = String.Join(' ', arguments "cpu,cpu")
              Expect.stringContains output $"Interrupted; everything is saved. To resume: dotnet fsi build.fsx {command}\n" "the command"
              Expect.equal errors "Stopping: saving the state of every run. Press Ctrl+C again to exit immediately.\n" "message"
              expectEnd workers
              nothingLeftBehind folder
              use again = start folder "cpu,cpu"
              again.End() |> expectExit 0
              expectSame folder)

          onUnix "A second SIGINT kills all workers at once, even one that does not save, and the same command resumes" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              waitUntil sweep "two workers trained" (fun () -> (owners folder).Length = 2)
              let workers = owners folder
              // The stopped processes neither save nor exit.
              workers |> List.iter (signal "STOP")
              signal "INT" sweep.Id
              // An earlier signal would count as the same key press.
              Thread.Sleep 1000
              signal "INT" sweep.Id
              let code, output, errors = sweep.End()
              expectExit 130 (code, output, errors)
              Expect.equal errors "Stopping: saving the state of every run. Press Ctrl+C again to exit immediately.\n" "message"
              expectEnd workers
              use again = start folder "cpu,cpu"
              again.End() |> expectExit 0
              expectSame folder
              nothingLeftBehind folder)

          onUnix "SIGTERM saves the state of all workers" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              let workers, resume = twoTraining folder sweep
              sweep.Terminate()
              resume ()
              sweep.End() |> expectExit 130
              expectEnd workers
              Expect.hasLength (interrupted folder) 2 "what was trained is saved"
              nothingLeftBehind folder)

          onUnix "Workers whose parent process is killed save their state and exit" (fun () ->
              use folder = prepared ()
              use sweep = start folder "cpu,cpu"
              let workers, resume = twoTraining folder sweep
              sweep.Kill()
              resume ()
              expectEnd workers

              Expect.hasLength (interrupted folder) 2 "what was trained is saved"
              use again = start folder "cpu"
              again.End() |> expectExit 0
              expectSame folder)

          test "A run that was cut off twice without progress is trained last and alone" {
              use folder = prepared ()
              use first = start folder "cpu"
              first.End() |> expectExit 0

              // As left by a process that was cut off twice before it saved anything.
              let suspect = runFolders folder |> List.find (fun run -> run.Contains "/student-seed0")
              let file = Path.Combine(suspect, "run.json")
              let json = JsonNode.Parse(File.ReadAllText file)
              let sessions = json["sessions"].AsArray()
              let session = sessions[0].DeepClone()
              session["ended"] <- null
              json["sessions"] <- JsonArray(session.DeepClone(), session)

              for run in runFolders folder do
                  if run <> suspect then
                      Directory.Delete(run, true)

              for other in Directory.GetFiles(suspect, "*", SearchOption.AllDirectories) do
                  if other <> file then
                      File.Delete other

              File.WriteAllText(file, json.ToJsonString())
              use again = start folder "cpu"
              let code, output, errors = again.End()
              expectExit 0 (code, output, errors)
              let cohorts = output.Split '\n' |> Array.filter (fun line -> line.StartsWith "cohort ") |> List.ofArray

              Expect.equal
                  cohorts
                  [ "cohort 1 of 2: student-seed1, cd-seed1 (2 epochs of 8 steps)"
                    "cohort 2 of 2: cd-seed0 (2 epochs of 8 steps)"
                    "cohort 3 of 3: student-seed0 (2 epochs of 8 steps)" ]
                  "in this order"

              expectSame folder
          } ]
