/// The software and hardware of runs, from the sessions in their run.json, as lines for a caption.
module ChannelDistillation.Dsl.Report.TrainedWith

open System.Text.Json.Nodes
open ChannelDistillation.Records

let private at (path: string list) (session: JsonObject) =
    let rec go (node: JsonNode | null) (path: string list) =
        match node, path with
        | null, _ -> "?"
        | node, [] -> string node
        | node, name :: rest -> go node[name] rest

    go session path

/// `0.1.0+c4b51ec4b84a...` names the commit in full.
let private shortVersion (version: string) =
    match version.IndexOf '+' with
    | -1 -> version
    | at -> version.Substring(0, min version.Length (at + 9))

let private describe (session: JsonObject) =
    let software name = at [ "software"; name ] session
    let hardware name = at [ "hardware"; name ] session

    let versions =
        $"""channel-distillation {shortVersion (software "channel_distillation")}, TorchSharp {software "torchsharp"}, .NET {software "dotnet"}"""

    $"""{versions} on {hardware "device"} ({hardware "processor"}, cores: {hardware "cores"}, threads: {hardware "threads"})"""

/// Each kind once.
let ofRuns (folders: RunFolder seq) =
    folders
    |> Seq.choose (fun folder -> folder.ReadRun() |> Option.ofObj)
    |> Seq.collect Sessions.Counting
    |> Seq.map describe
    |> Seq.distinct
    |> Seq.toList
