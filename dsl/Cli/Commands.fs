/// What each verb does.
module ChannelDistillation.Cli.Commands

open System
open System.IO
open System.Threading
open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Specs
open ChannelDistillation.Training

/// Cohorts of more lanes gain little: the teacher's share of a step is then small.
let private defaultLanes = 16

let private root =
    match Environment.GetEnvironmentVariable "CHANNEL_DISTILLATION_ROOT" with
    | null
    | "" -> Environment.CurrentDirectory
    | folder -> folder

let private workspace = Workspace root

let private outOf (given: string option) = given |> Option.map Path.GetFullPath |> Option.defaultValue (Path.Combine(root, "runs"))

/// As one would type it from here.
let private shown (path: string) =
    let relative = Path.GetRelativePath(Environment.CurrentDirectory, path)
    if relative.StartsWith ".." then path else relative

let private load (file: string option) (sets: string list) (large: bool) : Plan =
    let file = file |> Option.defaultWith (fun () -> shown (Path.Combine(root, "experiments", "quickstart.yaml")))

    match Experiments.load file (List.map Parsing.assignment sets) large with
    | Ok(plan, warnings) ->
        if not warnings.IsEmpty then
            eprintfn "%s" (Render.problems warnings)

        plan
    | Error problems -> Ending.stop Ending.invalid (Render.problems problems)

let private onlyMatching (only: string option) (jobs: Job list) =
    match only with
    | None -> jobs
    | Some pattern -> jobs |> List.filter (Job.matches pattern)

// ---- sweep -----------------------------------------------------------------------------------------------------------

let private summary (outcome: Outcome) =
    printfn "\n%s" (Markdown.table outcome.Results)
    outcome.Results |> Markdown.caption |> List.iter (printfn "%s")

    let count state = outcome.Jobs |> List.filter (fun job -> state job.State) |> List.length

    let stopped =
        outcome.Jobs
        |> List.choose (fun job ->
            match job.State with
            | GaveUp status -> Some(job, status)
            | _ -> None)

    let completed = count ((=) Done)
    let waiting = outcome.Jobs.Length - completed - stopped.Length
    let others = if waiting > 0 then $", {waiting} not trained to the end" else ""
    let failures = if stopped.IsEmpty then "" else $", {stopped.Length} failed or diverged"
    printfn "\n%d of %d runs completed%s%s, in %s." completed outcome.Jobs.Length failures others (Progress.Figures.duration outcome.Elapsed)

    for job, status in stopped do
        printfn "  %s %s: %s" job.Run.Name ((string status).ToLowerInvariant()) (shown (Path.Combine(job.Folder, "result.json")))

    for obstacle in outcome.Obstacles do
        printfn "  %s" obstacle

    printfn "Written:"

    for file in outcome.Files do
        printfn "  %s" (shown file)

    stopped.IsEmpty && outcome.Obstacles.IsEmpty

let sweep (arguments: string list) =
    match Parsing.parse<SweepArguments> "sweep" arguments with
    | None -> 0
    | Some parsed ->
        parsed.TryGetResult Launcher |> Option.iter Parsing.launcher

        let options =
            { Workspace = workspace
              Out = outOf (parsed.TryGetResult SweepArguments.Out)
              Only = parsed.TryGetResult SweepArguments.Only
              Device = parsed.GetResult(SweepArguments.Device, "auto") |> Parsing.device
              Lanes = parsed.GetResult(SweepArguments.Lanes, defaultLanes) |> Parsing.positive "--lanes"
              Threads = parsed.TryGetResult SweepArguments.Threads |> Option.map (Parsing.positive "--threads")
              RetryFailed = parsed.Contains Retry_Failed
              Quiet = parsed.Contains Quiet }

        let plan =
            load (parsed.TryGetResult SweepArguments.File) (parsed.GetResults SweepArguments.Set) (parsed.Contains SweepArguments.Yes)

        use source = new CancellationTokenSource()
        use _ = Signals.watch source
        let outcome = Sweep.run options plan source.Token

        if outcome.Interrupted then
            let again =
                "dotnet fsi build.fsx sweep"
                :: (arguments |> List.map (fun word -> if word.Contains ' ' || word.Contains '*' then $"'{word}'" else word))

            printfn "Interrupted; everything is saved. To go on: %s" (String.Join(' ', again))
            Ending.interrupted
        elif summary outcome then
            0
        else
            Ending.failed

// ---- plan ------------------------------------------------------------------------------------------------------------

let plan (arguments: string list) =
    match Parsing.parse<PlanArguments> "plan" arguments with
    | None -> 0
    | Some parsed ->
        let plan =
            load (parsed.TryGetResult PlanArguments.File) (parsed.GetResults PlanArguments.Set) (parsed.Contains PlanArguments.Yes)

        let lanes = parsed.GetResult(PlanArguments.Lanes, defaultLanes) |> Parsing.positive "--lanes"
        let folder = Sweep.folderOf (outOf (parsed.TryGetResult PlanArguments.Out)) plan
        let all = Job.ofPlan folder plan
        let jobs = onlyMatching (parsed.TryGetResult PlanArguments.Only) all

        if parsed.Contains PlanArguments.Json then
            let layout = Layouts.ofPlan plan all (Layouts.knownErrors (PlanFile.read folder))
            printf "%s" (PlanFile.render layout (Listing.ofJobs lanes jobs))
        else
            let costOf cohort =
                if parsed.Contains Measure then
                    parsed.TryGetResult PlanArguments.Threads |> Option.iter (Parsing.positive "--threads" >> Devices.UseThreads)
                    let device = Devices.Choose(parsed.GetResult(PlanArguments.Device, "auto") |> Parsing.device)
                    Some(Estimate.rehearse device cohort)
                else
                    Estimate.fromRecords cohort

            printf "%s" (PlanText.render workspace lanes plan jobs costOf)

        0

// ---- table -----------------------------------------------------------------------------------------------------------

/// The experiment's folder and what its table shows: from the folder itself, or from the experiment's file.
let private layoutOf (source: string option) (out: string option) (sets: string list) =
    match source with
    | Some folder when Directory.Exists folder ->
        match PlanFile.read folder with
        | Some layout -> folder, layout
        | None -> Ending.stop Ending.missing $"{folder} is no folder of an experiment: a sweep would have left a plan.json there."
    | _ ->
        let plan = load source sets true
        let folder = Sweep.folderOf (outOf out) plan
        folder, Layouts.ofPlan plan (Job.ofPlan folder plan) (Layouts.knownErrors (PlanFile.read folder))

let table (arguments: string list) =
    match Parsing.parse<TableArguments> "table" arguments with
    | None -> 0
    | Some parsed ->
        let folder, layout =
            layoutOf (parsed.TryGetResult TableArguments.Source) (parsed.TryGetResult TableArguments.Out) (parsed.GetResults TableArguments.Set)

        let format =
            match parsed.GetResult(Format, TableFormat.Md) with
            | TableFormat.Md -> Report.Md
            | TableFormat.Csv -> Report.Csv
            | TableFormat.Json -> Report.Json

        printf "%s" (Tables.collect folder layout |> Report.Format.render format)
        0

// ---- data ------------------------------------------------------------------------------------------------------------

let private listDatasets () =
    for dataset in DatasetCatalog.All do
        let here =
            if DatasetStore.IsThere(DatasetSpec(Name = dataset.Name), workspace) then
                "here"
            else
                "not here"

        printfn "%-20s %-9s %d classes, %d + %d images" dataset.Name here dataset.Classes dataset.TrainingImages dataset.ValidationImages
        printfn "  %s" dataset.Doc

let private fetchDataset (name: string) =
    match DatasetCatalog.Find name with
    | null ->
        let names = [ for dataset in DatasetCatalog.All -> dataset.Name ]
        let listed = String.Join(", ", names)

        let near =
            match Suggest.near name names with
            | [] -> ""
            | nearest :: _ -> $"\nHint: maybe you want `{nearest}`?"

        Ending.stop Ending.invalid $"I do not know the dataset `{name}`.{near}\nDatasets: {listed}."
    | dataset -> DatasetStore.Fetch(dataset, workspace, Action<string>(printfn "%s"))

let data (arguments: string list) =
    match Parsing.parse<DataArguments> "data" arguments with
    | None -> 0
    | Some parsed ->
        match parsed.TryGetSubCommand() with
        | Some(Fetch inner) -> fetchDataset (inner.GetResult Name)
        | Some(List _)
        | None -> listDatasets ()

        0

// ---- schema ----------------------------------------------------------------------------------------------------------

let schema (arguments: string list) =
    match Parsing.parse<SchemaArguments> "schema" arguments with
    | None -> 0
    | Some parsed ->
        match parsed.TryGetResult SchemaArguments.Out with
        | Some file -> File.WriteAllText(file, Schema.document ())
        | None -> printf "%s" (Schema.document ())

        0
