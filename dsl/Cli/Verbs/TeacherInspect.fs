/// `teacher inspect FILE`: what a checkpoint holds and which models it fits.
module ChannelDistillation.Cli.TeacherInspect

open Argu
open System.IO
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Records
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type TeacherInspectArguments =
    | [<MainCommand; ExactlyOnce>] File of file: string
    | [<Unique>] All

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "a checkpoint: of PyTorch (.pth, .pt) or safetensors"
            | All -> "list every tensor, however many there are"

let run (parsed: ParseResults<TeacherInspectArguments>) =
    use file = Checkpoints.opened (parsed.GetResult File)
    Checkpoints.verify file
    let sha256 = ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of file.Path
    printf "%s" (CheckpointText.render (parsed.Contains All) sha256 file)
    0
