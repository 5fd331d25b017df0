/// Generates the table of methods in docs/methods.md from the loss descriptors.
module ChannelDistillation.Dsl.Schema.Methods

open System
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Measured properties of a method, for one pair of networks.
type Measured =
    {
        /// Number of trained parameters in its own layers.
        Parameters: int64
        /// Time of a training step relative to cross-entropy alone; None: not measured.
        Cost: float option
    }

let private reads (loss: LossDescriptor) =
    [ TeacherSignal.Logits, "logits"
      TeacherSignal.Features, "stage outputs"
      TeacherSignal.ChannelMeans, "channel means of the stage outputs"
      TeacherSignal.PreActivations, "stage outputs before ReLU"
      TeacherSignal.Embedding, "embedding"
      TeacherSignal.LogitMap, "logits of each position" ]
    |> List.filter (fun (signal, _) -> loss.Needs.HasFlag signal)
    |> List.map snd
    |> function
        | [] -> "labels"
        | parts -> String.Join(", ", parts)

let private defaults (loss: LossDescriptor) =
    [ $"weight {Numbers.show loss.DefaultWeight}"
      if loss.DefaultWarmup > 0 then
          $"warmup {loss.DefaultWarmup}"
      for parameter in loss.Parameters do
          $"{parameter.Name} {LossCodec.defaultOf parameter}"
      for defaults in loss.DatasetDefaults do
          let own = loss.On defaults.Dataset

          let different =
              [ if own.DefaultWeight <> loss.DefaultWeight then
                    $"weight {Numbers.show own.DefaultWeight}"
                if own.DefaultWarmup <> loss.DefaultWarmup then
                    $"warmup {own.DefaultWarmup}"
                for parameter in own.Parameters do
                    if defaults.Parameters.ContainsKey parameter.Name then
                        $"{parameter.Name} {LossCodec.defaultOf parameter}" ]

          $"""on {defaults.Dataset}: {String.Join(", ", different)}""" ]
    |> fun parts -> String.Join("<br>", parts)

let private cell (text: string) = text.Replace("|", "\\|")

let private row (measured: string -> Measured) (loss: LossDescriptor) =
    let own = measured loss.Name

    let cost =
        match own.Cost with
        | Some cost -> cost.ToString("0.00", Globalization.CultureInfo.InvariantCulture)
        | None -> ""

    let parameters =
        match own.Parameters with
        | _ when loss.AddsAssistant -> "a second student"
        | 0L -> "none"
        | count -> count.ToString("N0", Globalization.CultureInfo.InvariantCulture)

    $"| `{loss.Name}` | {loss.Title} ({cell loss.Source}) | {cell loss.Formula} | {reads loss} | {defaults loss} | {parameters} | {cost} |"

/// The table, with a row for each loss.
let table (measured: string -> Measured) : string =
    [ "| loss | method and source | formula | reads | defaults | own parameters | step |"
      "|---|---|---|---|---|---|---|"
      for loss in LossCatalog.All do
          row measured loss ]
    |> fun lines -> String.Join("\n", lines) + "\n"
