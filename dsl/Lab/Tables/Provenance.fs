namespace ChannelDistillation.Lab.Tables

open System
open System.Text.Json.Nodes
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Dsl

/// Software and machine of some runs.
type TrainedOn =
    {
        /// `0.1.0+c4b51ec4`: the version and the commit.
        Version: string
        Libraries: string
        Machine: string
        /// Memory layouts of the run's networks, if another run computed the same network in another layout; else empty.
        Layout: string
    }

    override this.ToString() =
        let layout = if this.Layout = "" then "" else ", " + this.Layout
        $"channel-distillation {this.Version}, {this.Libraries} on {this.Machine}{layout}"

/// The provenance of one run.
type RunOrigin =
    {
        /// The software and machine of each session, with the layouts of the networks: ((role, name), layout).
        Trained: (TrainedOn * ((string * string) * string) list) list
        Started: DateTime option
        Ended: DateTime option
        /// The parts of its code that differ from the present code, such as `loss cd`. None: its code is not recorded.
        ChangedCode: string list option
        /// Fingerprint of its images. None: not recorded.
        Images: string option
        /// SHA-256 of its teacher's weights. None: no teacher, or not recorded.
        Teacher: string option
    }

/// The provenance of the numbers of a table.
type Provenance =
    {
        /// Each combination of software and machine, with its number of runs.
        Trained: (TrainedOn * int) list
        /// When the first run started and the last one ended, in UTC.
        Period: (DateTime * DateTime) option
        /// Warnings about runs that the present code, images or teachers would train differently.
        Outdated: string list
    }

module Provenance =
    let nothing = { Trained = []; Period = None; Outdated = [] }

    let private at (path: string list) (session: JsonObject) =
        let rec go (node: JsonNode | null) (path: string list) =
            match node, path with
            | null, _ -> "?"
            | node, [] -> string node
            | :? JsonObject as node, name :: rest -> go node[name] rest
            | _ -> "?"

        go session path

    /// Shortens the commit of a version to eight digits: `0.1.0+c4b51ec4b84a...` or `0.1.0+c4b51ec4b84a...-dirty`.
    let shortVersion (version: string) =
        match version.IndexOf '+' with
        | -1 -> version
        | at ->
            let rest = version.IndexOf('-', at)
            let short = version.Substring(0, min version.Length (at + 9))
            if rest > at + 9 then short + version.Substring rest else short

    /// The GPU settings that differ from the defaults.
    let private gpuSettings (session: JsonObject) =
        let setting name = at [ "hardware"; "gpu_settings"; name ] session

        (if setting "deterministic" = "true" then ", deterministic" else "")
        + (if setting "tf32" = "false" then ", without TF32" else "")

    /// The networks of a run with their layouts in a session. Versions that recorded no layout computed channels-last.
    let private networks (run: JsonObject) (session: JsonObject) =
        let layout role =
            match at [ "hardware"; "layout"; role ] session with
            | "?" -> "channels-last"
            | name -> name

        [ ("student", at [ "spec"; "student" ] run), layout "student"
          ("teacher", at [ "spec"; "teacher"; "model" ] run), layout "teacher" ]
        |> List.filter (fun ((_, network), _) -> network <> "?")

    let private ofSession (session: JsonObject) =
        let software name = at [ "software"; name ] session
        let hardware name = at [ "hardware"; name ] session

        { Version = shortVersion (software "channel_distillation")
          Libraries = $"""TorchSharp {software "torchsharp"}, .NET {software "dotnet"}"""
          Machine =
            match hardware "gpu" with
            | "?" -> $"""{hardware "device"} ({hardware "processor"}, cores: {hardware "cores"}, threads: {hardware "threads"})"""
            | gpu -> $"""{gpu}{gpuSettings session} ({hardware "processor"}, cores: {hardware "cores"})"""
          Layout = "" }

    let private time (name: string) (run: JsonObject) =
        match DateTime.TryParse(at [ name ] run, Globalization.CultureInfo.InvariantCulture, Globalization.DateTimeStyles.AdjustToUniversal) with
        | true, time -> Some time
        | _ -> None

    let private changedCode (sessions: JsonObject seq) =
        match
            sessions
            |> Seq.choose (fun session -> Option.ofObj (TrainingCode.Changed(Machine.CodeOf session["software"])))
            |> Seq.toList
        with
        | [] -> None
        | known -> known |> Seq.concat |> Seq.distinct |> Seq.toList |> Some

    /// Reads a run.json.
    let ofRun (run: JsonObject) : RunOrigin =
        let sessions = Sessions.Counting run

        { Trained = sessions |> Seq.map (fun session -> ofSession session, networks run session) |> Seq.distinct |> Seq.toList
          Started = time "started" run
          Ended = time "ended" run
          ChangedCode = changedCode sessions
          Images = Option.ofObj (RunFolder.ImagesIn run)
          Teacher = Option.ofObj (RunFolder.TeacherIn run) }

    /// The networks that were computed in more than one layout.
    let private mixed (runs: RunOrigin list) =
        runs
        |> List.collect (_.Trained >> List.collect snd)
        |> List.distinct
        |> List.countBy fst
        |> List.filter (fun (_, layouts) -> layouts > 1)
        |> List.map fst
        |> set

    /// Combines the provenance of the completed runs.
    let ofRuns (runs: RunOrigin list) : Provenance =
        let starts, ends = runs |> List.choose _.Started, runs |> List.choose _.Ended
        let mixed = mixed runs

        let shown (trained: TrainedOn, networks) =
            { trained with
                Layout =
                    [ for network, layout in networks do
                          if Set.contains network mixed then
                              $"{fst network} {layout}" ]
                    |> String.concat ", " }

        { Trained = runs |> List.collect (fun run -> run.Trained |> List.map shown |> List.distinct) |> List.countBy id
          Period =
            if starts.IsEmpty || ends.IsEmpty then
                None
            else
                Some(List.min starts, List.max ends)
          Outdated = [] }

    let private day (time: DateTime) = time.ToString("yyyy-MM-dd HH:mm", Globalization.CultureInfo.InvariantCulture)

    let private several what choose (provenance: Provenance) =
        match provenance.Trained |> List.map (fst >> choose) |> List.distinct with
        | []
        | [ _ ] -> None
        | kinds -> Some $"{kinds.Length} {what}"

    /// A warning if the runs differ in version, machine or layout.
    let warning (provenance: Provenance) =
        let differing =
            [ several "versions of channel-distillation" _.Version provenance
              several "versions of its libraries" _.Libraries provenance
              several "machines" _.Machine provenance
              several "memory layouts" _.Layout provenance ]
            |> List.choose id

        match differing with
        | [] -> None
        | some -> Some $"""The runs differ in software or hardware ({String.Join(", ", some)}); compare them with care."""

    /// The lines of the caption.
    let lines (provenance: Provenance) : string list =
        let period =
            match provenance.Period with
            | Some(first, last) -> [ $"Runs from {day first} to {day last} UTC." ]
            | None -> []

        let trained =
            match provenance.Trained with
            | [ only, _ ] -> [ $"Trained with {only}." ]
            | kinds -> [ for kind, runs in kinds -> $"""Trained with {kind}: {MessageFormat.count runs "run"}.""" ]

        trained @ period @ Option.toList (warning provenance) @ provenance.Outdated
