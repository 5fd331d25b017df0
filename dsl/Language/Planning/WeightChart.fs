/// Loss weights over training as small charts, so that a schedule can be seen before it is trained with.
module ChannelDistillation.Dsl.Planning.WeightChart

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Grids

let private widest = 50
let private bars = "▁▂▃▄▅▆▇█"

/// One character for a weight, as a part of the largest; nothing at all is a dot.
let private bar (largest: float) (weight: float) =
    if weight = 0.0 || largest = 0.0 then
        '·'
    else
        bars[Math.Clamp(int (weight / largest * 8.0) - 1, 0, 7)]

let private show (weight: float) = weight.ToString("0.###", Globalization.CultureInfo.InvariantCulture)

/// `0, 6 from 31, 5.4 from 60`; of many changes the first and the last.
let private inWords (weights: float[]) =
    let changes =
        [ for epoch in 2 .. weights.Length do
              if weights[epoch - 1] <> weights[epoch - 2] then
                  $"{show weights[epoch - 1]} from {epoch}" ]

    match changes with
    | _ when changes.Length <= 4 -> String.Join(", ", show weights[0] :: changes)
    | _ -> $"{show weights[0]}, {changes.Head}, ..., {List.last changes}"

/// A loss of a variant; `Point` says of which points of the grid, as names of runs do: `epochs=30`.
type Line = { Variant: string; Point: string; Loss: string; Epochs: int; Bars: string; Words: string }

/// Rows of a variant whose weights change in the same way.
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

/// `cd.start_after=2`: the axes on which a group of a variant's rows differs from the others, with its values.
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
          // Where a grid varies the weight itself, its factors are what the points have in common.
          let isShared = group |> List.forall (fun row -> row.Runs.Head.Spec.Losses[index].Weight = loss.Weight)
          let weight epoch = if isShared then loss.WeightAt epoch else loss.Schedule.FactorAt epoch
          let weights = [| for epoch in 1..epochs -> weight epoch |]
          let largest = Array.max weights

          { Variant = group.Head.Variant
            Point = point experiment all group
            Loss = loss.Name
            Epochs = epochs
            // The first epoch of each stretch: a change shows where it begins.
            Bars = String [| for column in 0 .. width - 1 -> bar largest weights[column * epochs / width] |]
            Words = (if isShared then "" else "of its weight: ") + inWords weights } ]

/// Beyond this many a grid over schedules is better read as a grid.
let private mostCharts = 12

/// A chart for each way in which the loss weights of a variant change: a line for every loss. Nothing where losses keep their own weights
/// throughout.
let ofPlan (plan: Plan) : Line list list =
    plan.Rows
    |> List.groupBy _.Variant
    |> List.collect (fun (_, rows) -> groups rows |> List.filter (List.head >> hasSchedule) |> List.map (lines plan.Experiment rows))

/// The charts as text, the variant named once.
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
            | [ epochs ] -> Words.count epochs "epoch"
            | _ -> "training"

        [ $"Loss weights over {epochs}"
          for chart in shown do
              for index, line in List.indexed chart do
                  let name = if index = 0 then name line else ""
                  $"  {name.PadRight names}  {line.Loss.PadRight losses}  {line.Bars.PadRight bars}  {line.Words}"
          if charts.Length > shown.Length then
              $"  and {charts.Length - shown.Length} more" ]
