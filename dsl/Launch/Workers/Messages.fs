namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Generic
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Progress
open ChannelDistillation.Records
open ChannelDistillation.Training

/// How a part of a sweep ended.
type PartEnd =
    {
        /// The names of the folders.
        InOtherHands: string list
        Obstacles: string list
        Missing: string list
        Remarks: string list
    }

/// What workers and the process that started them tell one another: a JSON object on each line, by the worker's standard input and output.
/// The end of its input tells a worker to save and to end, however it came about: so none outlives the one that started it.
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

    // ---- to a worker -----------------------------------------------------------------------------------------------------

    /// The first line: the experiment, with settings of the command line in it.
    let experiment (yaml: string) = line [ "experiment", value yaml ]

    let readExperiment (message: string) = textOf (parse message) "experiment"

    let private parts =
        [ "teachers", (fun names -> TeachersOf names)
          "runs", (fun names -> RunsOf names)
          "free_runs", (fun names -> FreeRunsOf names) ]

    /// Every further line: runs to do something about.
    let part (part: Part) =
        let names = part.Names |> Option.defaultValue Set.empty
        let kind = parts |> List.find (fun (_, make) -> make names = part) |> fst
        line [ "part", value kind; "runs", value names ]

    let readPart (message: string) : Part =
        let json = parse message
        let make = parts |> List.find (fun (kind, _) -> kind = textOf json "part") |> snd
        make (set (textsOf json "runs"))

    // ---- from a worker ---------------------------------------------------------------------------------------------------

    let ended (result: PartEnd) =
        line
            [ "event", value "ended"
              "in_other_hands", value result.InOtherHands
              "obstacles", value result.Obstacles
              "missing", value result.Missing
              "remarks", value result.Remarks ]

    /// Puts what a training reports into lines.
    [<Sealed>]
    type Reporting(send: string -> unit) =
        // Steps of a GPU are many; a person does not see more than a few in a second.
        let steps = Frames 5L
        let mutable teacher = false
        let event (name: string) entries = send (line (("event", value name) :: entries))

        interface IProgress with
            member _.Teacher
                with set isTeacher = teacher <- isTeacher

        interface ITrainingObserver with
            member _.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch) =
                event
                    "cohort"
                    [ "teacher", value teacher
                      "lanes", value lanes
                      "epoch", value startEpoch
                      "step", value startStep
                      "epochs", value epochs
                      "steps", value stepsPerEpoch ]

            member _.StepEnded(epoch, step, images, elapsed) =
                steps.Due(fun () ->
                    event "step" [ "epoch", value epoch; "step", value step; "images", value images; "seconds", value elapsed.TotalSeconds ])

            member _.ValidationStarted epoch = event "validation" [ "epoch", value epoch ]
            member _.EpochEnded(lane, epoch) = event "epoch" [ "lane", value lane; "record", value epoch ]
            member _.LaneEnded(lane, result) = event "lane" [ "lane", value lane; "result", value result ]
            member _.Say message = event "say" [ "text", value message ]

    let private replay (progress: IProgress) (json: JsonNode) : PartEnd option =
        match textOf json "event" with
        | "ended" ->
            Some
                { InOtherHands = textsOf json "in_other_hands"
                  Obstacles = textsOf json "obstacles"
                  Missing = textsOf json "missing"
                  Remarks = textsOf json "remarks" }
        | event ->
            let int = valueOf<int> json

            match event with
            | "cohort" ->
                progress.Teacher <- valueOf<bool> json "teacher"
                progress.CohortStarted(ResizeArray(textsOf json "lanes"), int "epoch", int "step", int "epochs", int "steps")
            | "step" ->
                let elapsed = TimeSpan.FromSeconds(valueOf<float> json "seconds")
                progress.StepEnded(int "epoch", int "step", valueOf<int64> json "images", elapsed)
            | "validation" -> progress.ValidationStarted(int "epoch")
            | "epoch" -> progress.EpochEnded(textOf json "lane", recordOf<EpochRecord> json "record")
            | "lane" -> progress.LaneEnded(textOf json "lane", recordOf<RunResult> json "result")
            | "say" -> progress.Say(textOf json "text")
            | other -> raise (KeyNotFoundException other)

            None

    /// Tells an observer what a line of a worker's says; the end of a part is the result. A library may write to the same stream: what is no
    /// message is passed on as it is.
    let read (progress: IProgress) (message: string) : PartEnd option =
        let json =
            try
                match JsonNode.Parse message with
                | :? JsonObject as json when json.ContainsKey "event" -> Some json
                | _ -> None
            with :? JsonException ->
                None

        match json with
        | Some json -> replay progress json
        | None ->
            progress.Say message
            None
