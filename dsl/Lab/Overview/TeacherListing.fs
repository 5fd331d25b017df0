/// The output of `teacher list`.
module ChannelDistillation.Lab.Overview.TeacherListing

open System
open System.IO
open System.Text.Json.Nodes
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Lab.Progress

let private known (workspace: Workspace) =
    let rows =
        [ for teacher in KnownTeacherCatalog.All ->
              [ teacher.Name
                teacher.Model
                teacher.Dataset
                Figures.percent teacher.Top1Error
                teacher.Top5Error |> Option.ofNullable |> Option.map Figures.percent |> Option.defaultValue "-"
                match teacher.Download with
                | null -> "-"
                | file -> ByteSize.Text file.Bytes
                if KnownTeacherStore.Exists(teacher, workspace) then teacher.Checkpoint
                elif isNull teacher.Download then "no download, see below"
                else $"not downloaded: teacher fetch {teacher.Name}" ] ]

    [ "Known teachers (`teacher: NAME` in an experiment), with published errors on the validation images:"
      ""
      yield! TextTable.alignedWith [ 3; 4; 5 ] ([ "name"; "network"; "dataset"; "top-1 error"; "top-5 error"; "size"; "file" ] :: rows)
      ""
      for teacher in KnownTeacherCatalog.All do
          $"{teacher.Name}: {teacher.Doc}"
          $"  Source: {teacher.Source}"
          $"  License: {teacher.License}"
          yield! Option.ofObj teacher.Note |> Option.map (fun note -> "  " + note) |> Option.toList ]

let private text (run: JsonObject) (path: string list) =
    (Some(run :> JsonNode), path)
    ||> List.fold (fun node key -> node |> Option.bind (fun node -> Option.ofObj node[key]))
    |> Option.map string
    |> Option.defaultValue "?"

let private trained (workspace: Workspace) =
    let folders =
        if Directory.Exists workspace.Pretrain then
            Directory.GetDirectories workspace.Pretrain |> Array.sort
        else
            [||]

    let rows =
        [ for folder in folders do
              let run = RunFolder folder

              match run.ReadRun() with
              | null -> ()
              | described ->
                  let result = run.ReadResult() |> Option.ofObj
                  let last = result |> Option.bind (_.Last >> Option.ofObj)
                  let shown error = last |> Option.map (error >> Figures.percent) |> Option.defaultValue ""

                  [ text described [ "spec"; "student"; "name" ]
                    text described [ "spec"; "dataset"; "name" ]
                    text described [ "spec"; "train"; "epochs" ]
                    shown _.Top1Error
                    shown _.Top5Error
                    result |> Option.map (fun result -> (string result.Status).ToLowerInvariant()) |> Option.defaultValue "unfinished"
                    Path.GetRelativePath(workspace.Root, folder) ] ]

    match rows with
    | [] -> [ "No teacher has been trained here yet. `teacher train FILE` and `sweep FILE` train the teachers of an experiment." ]
    | rows ->
        "Trained here; experiments with the same recipe share them:"
        :: ""
        :: TextTable.alignedWith [ 2; 3; 4 ] ([ "network"; "dataset"; "epochs"; "top-1 error"; "top-5 error"; "state"; "folder" ] :: rows)

let render (workspace: Workspace) = String.Join("\n", known workspace @ [ "" ] @ trained workspace) + "\n"
