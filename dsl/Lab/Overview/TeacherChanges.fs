/// Explains why a teacher that a recipe trains is a new one: a teacher of the same model was trained with other settings.
module ChannelDistillation.Lab.Overview.TeacherChanges

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Runs

/// The values of a specification by path.
let rec private leaves (path: string) (node: JsonNode | null) : (string * string) list =
    match node with
    | :? JsonObject as entries when entries.Count > 0 ->
        [ for entry in entries do
              yield! leaves (if path = "" then entry.Key else $"{path}.{entry.Key}") entry.Value ]
    | null -> [ path, "null" ]
    // The seeds of teachers are the complements of the experiment's.
    | node when path = "seed" || path = "train.data_seed" || path = "data_seed" -> [ path, Numbers.shortest (string (~~~(node.GetValue<int64>()))) ]
    | node when node.GetValueKind() = JsonValueKind.Number -> [ path, Numbers.shortest (node.ToJsonString()) ]
    | node when node.GetValueKind() = JsonValueKind.String -> [ path, node.GetValue<string>() ]
    | node -> [ path, node.ToJsonString() ]

/// The settings that differ, with both values.
let private differences (earlier: JsonNode) (spec: RunSpec) : string list =
    let before = leaves "" earlier
    let now = leaves "" (SpecJson.ToJson spec)
    let find path values = values |> List.tryFind (fst >> (=) path) |> Option.map snd |> Option.defaultValue "none"
    let short (path: string) = if path.StartsWith "train." then path.Substring "train.".Length else path

    before @ now
    |> List.map fst
    |> List.distinct
    |> List.filter (fun path -> find path before <> find path now)
    |> List.map (fun path -> $"{short path} {find path before}, here {find path now}")

/// The specifications of the teachers of a model that were trained to the end.
let private trained (workspace: Workspace) (model: ModelSpec) : (string * JsonNode) list =
    if Directory.Exists workspace.Pretrain then
        [ for path in Directory.GetDirectories workspace.Pretrain |> Array.sort do
              let folder = RunFolder path

              match folder.ReadRun() with
              | null -> ()
              | run ->
                  match run["spec"], folder.ReadResult() with
                  | null, _
                  | _, null -> ()
                  | spec, result when result.Status = RunStatus.Completed ->
                      match spec["student"] with
                      | :? JsonObject as student when string student["model"] = model.Name || string student["name"] = model.Name ->
                          string (Path.GetFileName path), spec
                      | _ -> ()
                  | _ -> () ]
    else
        []

/// What makes a teacher that is not trained yet differ from the most similar one of the same model. None: there is no such teacher.
let note (workspace: Workspace) (teacher: Teachers.PlannedTeacher) : string option =
    try
        match Option.ofObj (teacher.Spec.AsRun teacher.Dataset), TeacherStore(workspace).Exists(teacher.Spec, teacher.Dataset) with
        | None, _
        | _, true -> None
        | Some run, false ->
            match [ for folder, spec in trained workspace teacher.Spec.Model -> folder, differences spec run ] with
            | [] -> None
            | found ->
                match found |> List.minBy (fun (_, differences) -> differences.Length) with
                | _, [] -> None
                | folder, differences -> Some $"""It is new: {folder} has {String.Join("; ", differences)}."""
    with
    | :? IOException
    | :? UnauthorizedAccessException
    | :? JsonException
    | :? InvalidOperationException -> None
