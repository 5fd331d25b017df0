/// Draws loss weights over training as text charts, so that `plan` shows schedules before training.
module ChannelDistillation.Dsl.Planning.WeightChart

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Grids

let private widest = 50
let private bars = "▁▂▃▄▅▆▇█"

/// The bar of a weight relative to the largest; a dot for 0.
let private bar (largest: float) (weight: float) =
    if weight = 0.0 || largest = 0.0 then
        '·'
    else
        bars[Math.Clamp(int (weight / largest * 8.0) - 1, 0, 7)]

let private show = Numbers.rounded 4

/// `0, 6 from 31, 5.4 from 60`; of many changes, only the first and the last.
let private changesText (weights: float[]) =
    let changes =
        [ for epoch in 2 .. weights.Length do
              if weights[epoch - 1] <> weights[epoch - 2] then
                  $"{show weights[epoch - 1]} from {epoch}" ]

    match changes with
    | _ when changes.Length <= 4 -> String.Join(", ", show weights[0] :: changes)
    | _ -> $"{show weights[0]}, {changes.Head}, ..., {List.last changes}"

/// A line of a chart: a loss of a variant. `Point`: its points of the grid, in the notation of run names (`epochs=30`).
type Line = { Variant: string; Point: string; Loss: string; Epochs: int; Bars: string; Words: string }

/// Groups the rows of a variant by their loss schedules.
let private groups (rows: Row list) =
    rows
    |> List.groupBy (fun row ->
        let spec = row.Runs.Head.Spec
        spec.Train.Epochs, [ for loss in spec.Losses -> loss.Name, loss.Schedule ])
    |> List.map snd

let private hasSchedule (row: Row) =
    let spec = row.Runs.Head.Spec

    spec.Losses
    |> Seq.exists (fun loss -> seq { 1 .. spec.Train.Epochs } |> Seq.exists (fun epoch -> loss.WeightAt epoch <> loss.Weight))

let private mostValues = 3
let private longestValue = 40

let private short (value: string) =
    if value.Length > longestValue then
        value.Substring(0, longestValue - 3) + "..."
    else
        value

/// The axes on which a group of a variant's rows differs from the others, with its values: `cd.start_after=2`.
let private point (experiment: Experiment) (all: Row list) (group: Row list) =
    let paths = all |> Seq.collect (fun row -> Seq.map fst row.Axes) |> Seq.distinct |> Seq.toList
    let segments = paths |> List.map (Axes.segments experiment)

    let values path (rows: Row list) =
        rows
        |> List.map (fun row -> row.Axes |> List.tryFind (fun (other, _) -> other = path) |> Option.map snd)
        |> List.distinct

    let shown (values: string option list) =
        let first = values |> List.truncate mostValues |> List.map (Option.map short >> Option.defaultValue "any")
        String.Join(",", first) + (if values.Length > mostValues then ",..." else "")

    [ for path, own in List.zip paths segments do
          let here = values path group

          if here.Length < (values path all).Length then
              let key = Names.shortest own (segments |> List.filter ((<>) own))
              $"{key}={shown here}" ]
    |> String.concat " "

let private lines (experiment: Experiment) (all: Row list) (group: Row list) =
    let spec = group.Head.Runs.Head.Spec
    let epochs = spec.Train.Epochs
    let width = min widest epochs

    [ for index, loss in Seq.indexed spec.Losses do
          // If a grid varies the weight itself, the points share only the factors.
          let isShared = group |> List.forall (fun row -> row.Runs.Head.Spec.Losses[index].Weight = loss.Weight)
          let weight epoch = if isShared then loss.WeightAt epoch else loss.Schedule.FactorAt epoch
          let weights = [| for epoch in 1..epochs -> weight epoch |]
          let largest = Array.max weights

          { Variant = group.Head.Variant
            Point = point experiment all group
            Loss = loss.Name
            Epochs = epochs
            // Each bar shows its first epoch, so that a change is visible where it starts.
            Bars = String [| for column in 0 .. width - 1 -> bar largest weights[column * epochs / width] |]
            Words = (if isShared then "" else "relative to its weight: ") + changesText weights } ]

/// The most charts shown.
let private mostCharts = 12

/// A chart for each distinct schedule of a variant, with a line per loss. Empty if all weights are constant.
let ofPlan (plan: Plan) : Line list list =
    plan.Rows
    |> List.groupBy _.Variant
    |> List.collect (fun (_, rows) -> groups rows |> List.filter (List.head >> hasSchedule) |> List.map (lines plan.Experiment rows))

/// The charts as lines of text; each variant is named once.
let render (plan: Plan) : string list =
    match ofPlan plan with
    | [] -> []
    | charts ->
        let shown = List.truncate mostCharts charts
        let name (line: Line) = (line.Variant + " " + line.Point).Trim()
        let width (part: Line -> string) = List.concat shown |> List.map (fun line -> (part line).Length) |> List.max
        let names, losses, bars = width name, width _.Loss, width _.Bars

        let epochs =
            match List.concat charts |> List.map _.Epochs |> List.distinct with
            | [ epochs ] -> MessageFormat.count epochs "epoch"
            | _ -> "training"

        [ $"Loss weights over {epochs}"
          for chart in shown do
              for index, line in List.indexed chart do
                  let name = if index = 0 then name line else ""
                  $"  {name.PadRight names}  {line.Loss.PadRight losses}  {line.Bars.PadRight bars}  {line.Words}"
          if charts.Length > shown.Length then
              $"  and {charts.Length - shown.Length} more" ]
