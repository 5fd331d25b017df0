/// Loss weights over training as small charts, so that a schedule can be seen before it is trained with.
module ChannelDistillation.Dsl.WeightChart

open System
open ChannelDistillation.Specs

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

/// A loss of a variant.
type Line = { Variant: string; Loss: string; Epochs: int; Bars: string; Words: string; HasSchedule: bool }

let private lines (variant: string) (spec: RunSpec) =
    let epochs = spec.Train.Epochs
    let width = min widest epochs

    [ for loss in spec.Losses do
          let weights = [| for epoch in 1..epochs -> loss.WeightAt epoch |]
          let largest = Array.max weights

          { Variant = variant
            Loss = loss.Name
            Epochs = epochs
            // The first epoch of each stretch: a change shows where it begins.
            Bars = String [| for column in 0 .. width - 1 -> bar largest weights[column * epochs / width] |]
            Words = inWords weights
            HasSchedule = weights |> Array.exists ((<>) loss.Weight) } ]

/// A chart for every loss of every variant that has a schedule; of a grid, the first point. Nothing where losses keep
/// their own weights throughout.
let ofPlan (plan: Plan) : Line list =
    plan.Rows
    |> List.distinctBy _.Variant
    |> List.collect (fun row ->
        let lines = lines row.Variant row.Runs.Head.Spec

        if lines |> List.exists _.HasSchedule then lines else [])

/// The charts as text, the variant named once.
let render (plan: Plan) : string list =
    match ofPlan plan with
    | [] -> []
    | lines ->
        let width (part: Line -> string) = lines |> List.map (fun line -> (part line).Length) |> List.max
        let variant, loss, bars = width _.Variant, width _.Loss, width _.Bars

        let epochs =
            match lines |> List.map _.Epochs |> List.distinct with
            | [ epochs ] -> $"{epochs} epochs"
            | _ -> "training"

        let charted = lines |> List.map _.Variant |> set

        let several =
            plan.Rows |> List.countBy _.Variant |> List.exists (fun (variant, rows) -> rows > 1 && charted.Contains variant)

        let which = if several then ", at the first point of the grid" else ""

        [ $"Loss weights over {epochs}{which}"
          for index, line in List.indexed lines do
              let name =
                  if index > 0 && lines[index - 1].Variant = line.Variant then
                      ""
                  else
                      line.Variant

              $"  {name.PadRight variant}  {line.Loss.PadRight loss}  {line.Bars.PadRight bars}  {line.Words}" ]
