/// Iterates over the points of a grid.
module ChannelDistillation.Dsl.Grids.Points

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Grids.Dimensions

/// Visits every combination of positions on the walked dimensions, with the experiment at each; the first dimension varies slowest.
/// Other dimensions keep the file's value, at position -1. `positions` is overwritten at every point.
let walk (dimensions: Dimension[]) (walked: bool[]) (experiment: Experiment) (visit: int[] -> Experiment -> unit) =
    let positions = Array.create dimensions.Length -1

    let rec from index (experiment: Experiment) =
        if index = dimensions.Length then
            visit positions experiment
        elif not walked[index] then
            from (index + 1) experiment
        else
            for position in 0 .. dimensions[index].Count - 1 do
                positions[index] <- position

                (experiment, dimensions[index].Axes)
                ||> Array.fold (fun experiment axis -> axis.Values[position].Apply experiment)
                |> from (index + 1)

    from 0 experiment

/// The entries of `exclude` that apply to a variant.
let excludedFor (variant: Variant) (excluded: Exclusions.Exclusion list) =
    excluded |> List.filter (fun entry -> entry.Variants.IsEmpty || List.contains variant.Name entry.Variants)

/// Whether any entry of `exclude` restricts a dimension.
let isExcludedBy (excluded: Exclusions.Exclusion list) (dimension: int) = excluded |> List.exists (fun entry -> entry.Allowed[dimension].IsSome)
