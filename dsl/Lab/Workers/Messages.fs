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
        /// The names of the folders.
        ClaimedElsewhere: string list
        Obstacles: string list
        Missing: string list
        Remarks: string list
    }

/// What a worker says when it can begin.
type WorkerReady =
    {
        /// What it trains on: `cpu` or `cuda:N`.
        Device: string
        /// Why bfloat16 does not pay there.
        Obstacles: string list
        /// What a person may want to know who left the choice of the device to the program.
        Hint: string option
    }

/// What a worker is asked for.
type Request =
    /// To do a part of the sweep.
    | DoPart of Part * ComputeMode
    /// To count what every network of the experiment costs.
    | RequestCosts

/// What a line of a worker's says.
[<RequireQualifiedAccess>]
type Reply =
    | Ready of WorkerReady
    | Counted of (CountedModel * ModelCost) list
    | Ended of PartEnd
    /// Why it ends without having done what it was asked for.
    | Leaving of why: string
    /// Progress of its training.
    | Reported of TrainingEvent
    /// No message that is known here; what it is instead.
    | Strange of what: string

/// What workers and the process that started them tell one another: a JSON object on each line, by the worker's standard input and by a channel that
/// is its standard output until the worker takes it for itself. The end of its input tells a worker to save and to end, however it came about: so
/// none outlives the one that started it.
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

    /// The first line: the experiment, with settings of the command line in it.
    let experiment (yaml: string) = line [ "experiment", value yaml ]

    let readExperiment (message: string) = textOf (parse message) "experiment"

    let private parts =
        [ "teachers", (fun names -> TeachersOf names)
          "runs", (fun names -> RunsOf names)
          "free_runs", (fun names -> FreeRunsOf names) ]

    let private modes = [ "standard", Standard; "conservative", Conservative ]

    /// Every further line.
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

    /// Writes the events of a training as lines.
    let reporting (send: string -> unit) : TrainingEvent -> unit =
        // Steps of a GPU are many; a person does not see more than a few in a second.
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
        | "leaving" -> Reply.Leaving(textOf json "text")
        | _ -> 
            match json.Deserialize<TrainingEvent> RecordJson.Line with
            | null -> Reply.Strange "an empty event"
            | reported -> Reply.Reported reported

    /// As much of a line as tells what it is.
    let private most = 80

    /// What a line of a worker's says.
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
            let start = if message.Length > most then message.Substring(0, most) + "..." else message
            Reply.Strange $"the line `{start}`"
