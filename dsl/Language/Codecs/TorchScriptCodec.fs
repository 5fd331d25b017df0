/// TorchScript files named by `torchscript:`.
module ChannelDistillation.Dsl.Codecs.TorchScriptCodec

open System.IO
open ChannelDistillation.TorchScript
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// Placeholder for the run's seed in a student's path.
let seedMark = "{seed}"

let ofSeed (seed: int64) (path: string) = path.Replace(seedMark, string seed)

/// Reads a file's description without running it. Error: why the file cannot be used. `name`: how messages refer to the file.
let archive (path: string) (name: string) : Result<Archive, string> =
    try
        // The path is empty if a problem with it was already reported.
        if path = "" then Error "" else Ok(Archive.Read(path, name))
    with :? InvalidDataException as error ->
        Error error.Message

/// Reads the network in a file.
let network (path: string) (name: string) : Result<Archive * NetworkDescription, string> =
    archive path name
    |> Result.bind (fun archive ->
        try
            Ok(archive, archive.Network)
        with :? InvalidDataException as error ->
            Error error.Message)

/// Reads the loss in a file. `name`: its name in the experiment.
let loss (path: string) (name: string) : Result<ChannelDistillation.Losses.LossDescriptor, string> =
    archive path (nonNull (Path.GetFileName path))
    |> Result.bind (fun archive ->
        try
            Ok(ChannelDistillation.Losses.ScriptedLoss.Describe(name, archive))
        with :? InvalidDataException as error ->
            Error error.Message)

/// A path relative to the folder of the YAML file; the value is absolute.
let file: Codec<string> =
    let read (reader: Reader) path (node: Node) =
        text.Read reader path node
        |> Option.map (fun written -> Path.GetFullPath(written, Path.GetFullPath node.Place.Source.Folder))

    leaf TextShape read Scalar

/// The path of a file that holds a usable loss.
let lossFile: Codec<string> =
    let read (reader: Reader) path (node: Node) =
        file.Read reader path node
        |> Option.bind (fun full ->
            match loss full "" with
            | Ok _ -> Some full
            | Error reason ->
                reader.Report(path, node.Place, TorchScriptUnusable reason)
                None)

    { file with Read = read }

/// A network from a TorchScript file.
let model (path: string) : Model = { Name = nonNull (Path.GetFileName path); Stem = None; Script = Some path }

/// Reports keys that the TorchScript file already determines.
let alone (reader: Reader) path (entries: Entry list) (keys: string list) =
    match entries |> List.tryFind (fun entry -> List.contains entry.Name keys) with
    | Some other -> reader.Report(other.Name :: path, other.At, TorchScriptDescribed other.Name)
    | None -> ()

/// Whether a mapping names a TorchScript file.
let isScripted (node: Node) = (Node.entry "torchscript" node).IsSome
