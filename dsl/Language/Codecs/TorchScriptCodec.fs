/// Files that `torchscript:` names.
module ChannelDistillation.Dsl.Codecs.TorchScriptCodec

open System.IO
open ChannelDistillation.TorchScript
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// Replaced by the run's seed in a student's path.
let seedMark = "{seed}"

let ofSeed (seed: int64) (path: string) = path.Replace(seedMark, string seed)

/// What is known of a file without running it; Error: why it cannot be used. The name is the one that the experiment shows.
let archive (path: string) (name: string) : Result<Archive, string> =
    try
        // Of a file that was reported, there is no path.
        if path = "" then Error "" else Ok(Archive.Read(path, name))
    with :? InvalidDataException as error ->
        Error error.Message

/// The network in a file.
let network (path: string) (name: string) : Result<Archive * NetworkDescription, string> =
    archive path name
    |> Result.bind (fun archive ->
        try
            Ok(archive, archive.Network)
        with :? InvalidDataException as error ->
            Error error.Message)

/// The loss in a file, under its name in the experiment.
let loss (path: string) (name: string) : Result<ChannelDistillation.Losses.LossDescriptor, string> =
    archive path (nonNull (Path.GetFileName path))
    |> Result.bind (fun archive ->
        try
            Ok(ChannelDistillation.Losses.ScriptedLoss.Describe(name, archive))
        with :? InvalidDataException as error ->
            Error error.Message)

/// A path relative to the folder of the file that it is written in; the value is absolute.
let file: Codec<string> =
    let read (reader: Reader) path (node: Node) =
        text.Read reader path node
        |> Option.map (fun written -> Path.GetFullPath(written, Path.GetFullPath node.Place.Source.Folder))

    leaf TextShape read Scalar

/// The same, of a loss that can be used.
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

/// A network from a file.
let model (path: string) : Model = { Name = nonNull (Path.GetFileName path); Stem = None; Script = Some path }

/// Reports keys that say of a network what its file says already.
let alone (reader: Reader) path (entries: Entry list) (keys: string list) =
    match entries |> List.tryFind (fun entry -> List.contains entry.Name keys) with
    | Some other -> reader.Report(other.Name :: path, other.At, TorchScriptDescribed other.Name)
    | None -> ()

/// The entry that makes a mapping one of a file.
let isScripted (node: Node) = (Node.entry "torchscript" node).IsSome
