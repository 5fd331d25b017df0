/// `teacher inspect FILE`: shows the content of a checkpoint and the models that it matches.
module ChannelDistillation.Cli.TeacherInspect

open System.IO
open Argu
open ChannelDistillation.Core
open ChannelDistillation.TorchScript
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type TeacherInspectArguments =
    | [<MainCommand; ExactlyOnce>] File of file: string
    | [<Unique>] All

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "a PyTorch (.pth, .pt), safetensors or TorchScript file"
            | All -> "list every tensor"

/// Prints what a TorchScript file declares, without executing it.
let private describe (archive: Archive) =
    let texts (values: string seq) = System.String.Join(", ", values)
    let numbers (values: int seq) = texts (Seq.map string values)

    let about =
        match archive.Description with
        | :? NetworkDescription as network ->
            [ [ "kind"; "network" ]
              if network.Image.HasValue then
                  [ "image"; $"{network.Image.Value.Channels}x{network.Image.Value.Height}x{network.Image.Value.Width}" ]
              [ "outputs"; texts network.Outputs ]
              match Option.ofObj network.Shapes with
              | Some shapes -> yield! Seq.map2 (fun (name: string) shape -> [ "  " + name; $"[{numbers shape}]" ]) network.Outputs shapes
              | None -> () ]
        | :? LossDescription as loss ->
            [ [ "kind"; "loss" ]
              [ "inputs"; texts [ for input in loss.Inputs -> input.Name ] ]
              for struct (name, standard) in loss.Parameters do
                  [ $"  {name}"; Numbers.show standard ] ]
        | _ -> []

    TextTable.aligned (
        [ [ "file"; archive.File.Path ]
          [ "format"; "TorchScript (code, not executed here)" ]
          [ "sha256"; archive.File.Sha256 ] ]
        @ about
    )
    |> List.iter (printfn "%s")

let run (parsed: ParseResults<TeacherInspectArguments>) =
    let path = parsed.GetResult File

    match Option.ofObj (Archive.TryRead path) with
    | Some archive -> describe archive
    | None ->
        use file = Checkpoints.opened path
        Checkpoints.verify file
        let sha256 = ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of file.Path
        printf "%s" (CheckpointText.render (parsed.Contains All) sha256 file)

        for set in file.Sets do
            match Checkpoints.usable (fun () -> file.FirstNonFinite set) with
            | null -> ()
            | broken -> raise (MissingException (file.NonFinite broken).Message)

    0
