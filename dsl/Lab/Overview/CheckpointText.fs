/// The output of `teacher inspect` for a checkpoint.
module ChannelDistillation.Lab.Overview.CheckpointText

open System
open System.Globalization
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Checkpoints
open ChannelDistillation.Dsl

/// With more tensors, they are grouped by part of the network.
let private mostTensors = 40

/// Classes listed by name.
let private mostClasses = 10

/// Text from an untrusted file: shortened, and without control characters.
let private plain (text: string) =
    let visible = text |> String.map (fun letter -> if Char.IsControl letter then ' ' else letter)
    if visible.Length > 100 then visible.Substring(0, 97) + "..." else visible

let private number (value: float) = value.ToString("N0", CultureInfo.InvariantCulture)

let private parameterCount (count: float) = number count + (if count = 1.0 then " parameter" else " parameters")

/// `4.6 MB (4,612,345 bytes)`.
let private size (bytes: int64) =
    let exact = $"{number (float bytes)} bytes"
    let rounded = ByteSize.Text bytes
    if rounded.EndsWith "bytes" then exact else $"{rounded} ({exact})"

let private formatOf (file: CheckpointFile) =
    match file.Format with
    | CheckpointFormat.Safetensors -> "safetensors"
    | CheckpointFormat.PyTorchZip -> "PyTorch (zip container)"
    | _ -> "PyTorch (legacy container, before 1.6)"

/// Classes of Python whose objects are beside the weights.
let private unlisted (file: CheckpointFile) =
    let names = [ for name in Seq.truncate mostClasses file.Unlisted -> plain name ]
    let others = file.Unlisted.Count - names.Length
    String.Join(", ", names) + (if others > 0 then $" and {others} more" else "")

let private rowOf (tensor: TensorEntry) = [ plain tensor.Name; tensor.ShapeText; tensor.Type.Name ]

/// The data types of the weights, without those of statistics, which are integers.
let private typesOf (tensors: TensorEntry list) =
    let weights = tensors |> List.filter (fun tensor -> not tensor.IsStatistic)
    (if weights.IsEmpty then tensors else weights) |> List.map _.Type.Name |> List.distinct |> String.concat ", "

/// One row for each part with more than two tensors: `layer3.*`, its number of tensors and parameters.
let private compact (tensors: TensorEntry list) =
    [ for part, tensors in tensors |> List.groupBy (fun tensor -> (tensor.Name.Split '.')[0]) do
          if tensors.Length > 2 then
              let parameters = WeightSet("", "", List.toArray tensors).Parameters

              [ plain part + ".*"
                $"""{MessageFormat.count tensors.Length "tensor"}, {parameterCount parameters}"""
                typesOf tensors ]
          else
              yield! List.map rowOf tensors ]

let private fitOf (file: CheckpointFile) (set: WeightSet) =
    let ranked = ModelFit.Rank set
    let exact = ranked |> Seq.filter _.IsExact |> List.ofSeq

    match exact with
    | [] when not ranked[0].IsAlike -> "matches none of the built-in models: no tensor has one of their names"
    | [] ->
        let nearest = ranked[0]
        let found = MessageFormat.count (set.Tensors.Count - nearest.Difference.Unexpected.Count) "tensor"

        let what =
            match nearest.Contained with
            | null -> $"matches none of the built-in models; the closest is {nearest.InWords}:\n  {nearest.Difference.InWords()}"
            | contained -> $"contains {found} of {contained}"

        what
        + (file.Remedy(set, nearest.Difference)
           |> Option.ofObj
           |> Option.map (fun remedy -> "\n" + remedy)
           |> Option.defaultValue "")
    | _ -> "matches " + String.Join(" and ", [ for fit in exact -> fit.InWords ])

let private ofSet (file: CheckpointFile) (all: bool) (set: WeightSet) =
    let tensors = List.ofSeq set.Tensors
    let place = if set.Place = "" then "" else plain set.Place + ": "
    let whole = all || tensors.Length <= mostTensors
    let rows = if whole then List.map rowOf tensors else compact tensors

    [ ""
      $"""{place}{MessageFormat.count tensors.Length "tensor"}, {parameterCount set.Parameters}, {typesOf tensors}"""
      fitOf file set
      ""
      yield! TextTable.aligned rows
      if not whole then
          "  (--all lists every tensor)" ]

/// The whole output. `sha256`: hash of the file. `all`: lists every tensor.
let render (all: bool) (sha256: string) (file: CheckpointFile) =
    let head =
        [ [ "file"; file.Path ]
          [ "format"; formatOf file ]
          [ "size"; size file.Bytes ]
          [ "sha256"; sha256 ]
          for entry in file.Metadata do
              [ plain entry.Key; plain entry.Value ]
          if file.Others.Count > 0 then
              [ "other keys"; plain (String.Join(", ", file.Others)) ]
          if file.Unlisted.Count > 0 then
              [ "not imported"; unlisted file ] ]

    String.Join("\n", TextTable.aligned head @ List.collect (ofSet file all) (List.ofSeq file.Sets)) + "\n"
