/// Makes every write of a sweep fail: no run is lost or wrong, and the failure is reported.
module ChannelDistillation.Tests.Lab.Sweep.FaultTests

open System
open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs

let private experiment = TinySweep.experiment "cd: { weight: 6 }" [ "student: [ce]"; "cd: [ce, cd]" ]

let private full = "No space left on device"

/// Calls an action for each file written within a folder, until disposed.
let private watching (folder: string) (act: string -> unit) =
    AtomicFile.Writing <-
        fun path ->
            if path.StartsWith folder then
                act (Path.GetRelativePath(folder, path))

    { new IDisposable with
        member _.Dispose() = AtomicFile.Writing <- null }

/// Runs a sweep in a new folder with an action at each write. `check` receives the repeated sweep, the folder, and the outcome of the first sweep.
let private sweepWhile (onWrite: string -> unit) (check: (unit -> Outcome) -> string -> Result<Outcome, string> -> unit) =
    use folder = new TemporaryFolder()
    let plan = TinySweep.plan folder "small.yaml" experiment
    let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")
    let sweep () = TinySweep.sweep options plan

    let ended =
        use _ = watching folder.Path onWrite

        try
            Ok(sweep ())
        with
        | :? MissingException as error -> Error error.Message
        | UsageError message -> Error message

    check sweep folder.Path ended

/// The files of a sweep, without `pretrain/hashes`, which has paths and times of files.
let private left (root: string) =
    [ for name in [ "runs"; "pretrain" ] do
          for file, content in Outcome.ofFolder (Path.Combine(root, name)) do
              if not (file.StartsWith "hashes") then
                  $"{name}/{file}", content ]

let private isDone (outcome: Outcome) = outcome.Missing.IsEmpty && outcome.Jobs |> List.forall (fun job -> job.State = Done)

let private failing (isFull: int -> bool) (clean: (string * string) list) (what: string) =
    let mutable count = 0

    let onWrite file =
        count <- count + 1

        if isFull count then
            raise (IOException($"{full} : '{file}'", 28))

    sweepWhile onWrite (fun again root ended ->
        match ended with
        // Caches, and tables that the next cohort writes again.
        | Ok outcome when isDone outcome -> Expect.equal (left root) clean $"{what}: nothing was reported, so nothing may be missing"
        | Ok outcome ->
            Expect.all outcome.Jobs (fun job -> not job.State.IsGaveUp) $"{what}: no run failed"
            Expect.stringContains (String.Join("\n", outcome.Missing)) full $"{what}: it is reported"
        | Error message -> Expect.stringContains message full $"{what}: it is reported"

        Expect.isTrue (isDone (again ())) $"{what}: the same command continues"
        Expect.equal (left root) clean $"{what}: to the same files")

[<Tests>]
let tests =
    testSequenced
    <| test "A sweep in which any write fails, once or permanently, produces the results of an undisturbed one when repeated" {
        let writes = ResizeArray<string>()
        let mutable clean = []

        sweepWhile writes.Add (fun _ root ended ->
            Expect.isTrue (Result.isOk ended) "undisturbed"
            clean <- left root)

        let places = [ for file in writes -> string (Path.GetFileName file) ]

        for file in
            [ "run.json"
              "metrics.jsonl"
              "result.json"
              "latest.state.safetensors"
              "latest.safetensors"
              "best.safetensors"
              "plan.json"
              "results.md"
              "results.csv"
              "results.json" ] do
            Expect.contains places file "it is among the writes that fail"

        // A file name, and whether the file was being written or renamed. Tables are written in the same way after each cohort.
        let kinds =
            [ for index, file in Seq.indexed writes -> index + 1, file.Split($"-{Environment.ProcessId}-")[0], file.EndsWith ".tmp" ]

        for index, file, isData in kinds |> List.distinctBy (fun (_, file, isData) -> file, isData) do
            failing ((=) index) clean $"write {index}, {file}"

            if isData then
                failing ((<=) index) clean $"from write {index} on, {file}"
    }
