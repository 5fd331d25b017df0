/// The section `include` of a grid.
module ChannelDistillation.Dsl.Grids.Inclusions

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

/// A point of `include`: its variants (none: all) and its values.
type Inclusion = { Variants: string list; Axes: Axes.FoundAxis list }

/// The valid points of `include`.
let find (reader: Reader) (where: PlaceFinder) (experiment: Experiment) : Inclusion list =
    [ for index, point in List.indexed experiment.Grid.Include do
          let at = [ "grid"; "include"; string index ]

          for name in point.Variants do
              Exclusions.checkVariant reader where at name

          point.Values
          |> List.collect (fun (name, _) -> Axes.pathsOf experiment name |> Axes.located where experiment (at @ [ name ]))
          |> Axes.checkOverlap reader where

          let axes = [ for name, setting in point.Values -> Axes.value reader where experiment (at @ [ name ]) name setting ]

          if List.forall Option.isSome axes then
              { Variants = point.Variants; Axes = List.choose id axes } ]

/// The experiment at a point.
let apply (experiment: Experiment) (inclusion: Inclusion) =
    (experiment, inclusion.Axes) ||> List.fold (fun experiment axis -> axis.Values[0].Apply experiment)

/// The variants of a point, as they are at that point.
let variants (inclusion: Inclusion) (there: Experiment) =
    there.Variants
    |> List.filter (fun variant -> inclusion.Variants.IsEmpty || List.contains variant.Name inclusion.Variants)
