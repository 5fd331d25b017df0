namespace ChannelDistillation.Lab.Workers

open System
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs

/// How a part of a sweep ended.
type PartEnd =
    {
        /// Names of run folders.
        ClaimedElsewhere: string list
        Obstacles: string list
        Missing: string list
        Remarks: string list
    }

/// The message of a worker that is ready.
type WorkerReady =
    {
        /// The device: `cpu` or `cuda:N`.
        Device: string
        /// Why bfloat16 is not faster there.
        Obstacles: string list
        /// A hint about the automatic choice of the device.
        Hint: string option
    }

/// A request to a worker.
type Request =
    /// Do a part of the sweep.
    | DoPart of SweepPart * ComputeMode
    /// Count the costs of the experiment's networks.
    | RequestCosts

/// A message of a worker.
[<RequireQualifiedAccess>]
type Reply =
    | Ready of WorkerReady
    | Counted of (CountedModel * ModelCost) list
    | Ended of PartEnd
    /// The worker exits without completing its request, for this reason.
    | Exiting of why: string
    /// Progress of training.
    | Reported of TrainingEvent
    /// An unknown message; `what` describes it.
    | Strange of what: string

/// The messages between workers and the process that started them: one JSON object per line, on the worker's standard input and on its original
/// standard output, which the worker reserves for messages. When its input ends for whatever reason, a worker saves its state and exits, so that no
/// worker outlives the process that started it.
module Messages =
    let private line (entries: (string * JsonNode) list) =
        let json = JsonObject()

        for name, value in entries do
            json[name] <- value

        json.ToJsonString RecordJson.Line

    let private value (value: 'value) : JsonNode = nonNull (JsonSerializer.SerializeToNode(value, RecordJson.Line))

    let private parse (message: string) = nonNull (JsonNode.Parse message)
    let private at (json: JsonNode) (name: string) = nonNull json[name]
    let private valueOf<'value> json name = (at json name).GetValue<'value>()
    let private textOf json name = valueOf<string> json name
    let private textsOf json name = [ for entry in (at json name).AsArray() -> (nonNull entry).GetValue<string>() ]

    let private recordOf<'record when 'record: not struct and 'record: not null> json name : 'record =
        match (at json name).Deserialize<'record> RecordJson.Line with
        | null -> raise (JsonException $"{name} is null")
        | record -> record

    let private recordsOf<'record when 'record: not struct and 'record: not null> json name : 'record list =
        List.ofArray (recordOf<'record array> json name)

    // ---- to a worker -----------------------------------------------------------------------------------------------------

    /// The first line: the experiment, including the overrides of the command line.
    let experiment (yaml: string) = line [ "experiment", value yaml ]

    let readExperiment (message: string) = textOf (parse message) "experiment"

    let private parts =
        [ "teachers", (fun names -> TeachersOf names)
          "runs", (fun names -> RunsOf names)
          "free_runs", (fun names -> UnclaimedRunsOf names) ]

    let private modes = [ "standard", Standard; "conservative", Conservative ]

    /// All further lines.
    let request (request: Request) =
        match request with
        | RequestCosts -> line [ "part", value "costs" ]
        | DoPart(part, mode) ->
            let names = part.Names |> Option.defaultValue Set.empty
            let kind = parts |> List.find (fun (_, make) -> make names = part) |> fst
            let mode = modes |> List.find (fun (_, known) -> known = mode) |> fst
            line [ "part", value kind; "runs", value names; "mode", value mode ]

    let readRequest (message: string) : Request =
        let json = parse message

        match textOf json "part" with
        | "costs" -> RequestCosts
        | kind ->
            let make = parts |> List.find (fun (known, _) -> known = kind) |> snd
            let mode = modes |> List.find (fun (known, _) -> known = textOf json "mode") |> snd
            DoPart(make (set (textsOf json "runs")), mode)

    // ---- from a worker ---------------------------------------------------------------------------------------------------

    let ready (worker: WorkerReady) =
        line
            [ "event", value "ready"
              "device", value worker.Device
              "obstacles", value worker.Obstacles
              "hints", value (Option.toList worker.Hint) ]

    let counted (costs: (CountedModel * ModelCost) list) =
        line [ "event", value "counted"; "networks", value (List.map fst costs); "costs", value (List.map snd costs) ]

    let ended (result: PartEnd) =
        line
            [ "event", value "ended"
              "in_other_hands", value result.ClaimedElsewhere
              "obstacles", value result.Obstacles
              "missing", value result.Missing
              "remarks", value result.Remarks ]

    let leaving (why: string) = line [ "event", value "leaving"; "text", value why ]

    /// Sends the progress of training as messages.
    let reporting (send: string -> unit) : TrainingEvent -> unit =
        // A GPU does many steps per second; the display needs only a few.
        let steps = Frames 5L

        fun reported ->
            let write () = send (JsonSerializer.Serialize(reported, RecordJson.Line))

            match reported with
            | :? TrainingEvent.StepEnded -> steps.Due write
            | _ -> write ()

    let private replyOf (json: JsonNode) : Reply =
        match textOf json "event" with
        | "ready" ->
            Reply.Ready
                { Device = textOf json "device"
                  Obstacles = textsOf json "obstacles"
                  Hint = List.tryHead (textsOf json "hints") }
        | "counted" -> Reply.Counted(List.zip (recordsOf<CountedModel> json "networks") (recordsOf<ModelCost> json "costs"))
        | "ended" ->
            Reply.Ended
                { ClaimedElsewhere = textsOf json "in_other_hands"
                  Obstacles = textsOf json "obstacles"
                  Missing = textsOf json "missing"
                  Remarks = textsOf json "remarks" }
        | "leaving" -> Reply.Exiting(textOf json "text")
        | _ ->
            match json.Deserialize<TrainingEvent> RecordJson.Line with
            | null -> Reply.Strange "an empty event"
            | reported -> Reply.Reported reported

    /// Characters of an unknown line that are shown.
    let private shownLength = 80

    /// Parses a line of a worker.
    let read (message: string) : Reply =
        try
            replyOf (parse message)
        with
        | :? JsonException
        | :? InvalidOperationException
        | :? FormatException
        | :? ArgumentException
        | :? OverflowException
        | :? NullReferenceException ->
            let start =
                if message.Length > shownLength then
                    message.Substring(0, shownLength) + "..."
                else
                    message

            Reply.Strange $"the line `{start}`"
