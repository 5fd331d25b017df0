/// The dimensions of a grid, and what is left out of it.
module ChannelDistillation.Dsl.Dimensions

open System
open System.Collections.Generic

/// Axes that move together; a single axis is a group of one.
type Dimension = { Axes: Axes.FoundAxis[]; Count: int }

let private whole (axis: Axes.FoundAxis) = { Axes = [| axis |]; Count = axis.Values.Length }

/// What an axis can change of an experiment.
let private varied (experiment: Experiment) =
    struct (experiment.Dataset, experiment.Teacher, experiment.Student, experiment.Train, experiment.Losses, experiment.Variants)

/// Reports positions that set the same as an earlier one. Numbers are told apart by their text alone: they are many at times.
let private reportSame (reader: Reader) (experiment: Experiment) (dimension: Dimension) =
    let settings position = [ for axis in dimension.Axes -> axis.Values[position].Setting ]

    let isNumber (setting: Setting) =
        match setting with
        | Scalar text -> (Numbers.tryParse text).IsSome
        | _ -> false

    let before = Dictionary<_, int>(HashIdentity.Structural)
    let written = HashSet<Setting list>(HashIdentity.Structural)

    for position in 0 .. dimension.Count - 1 do
        let here = settings position

        let earlier =
            if not (written.Add here) then
                seq { 0 .. position - 1 } |> Seq.tryFind (fun earlier -> settings earlier = here)
            elif List.forall isNumber here then
                None
            else
                let point = (experiment, dimension.Axes) ||> Array.fold (fun experiment axis -> axis.Values[position].Apply experiment)

                match before.TryGetValue(varied point) with
                | true, earlier -> Some earlier
                | _ ->
                    before[varied point] <- position
                    None

        match earlier with
        | Some earlier ->
            let show position = String.Join(", ", settings position |> List.map Emit.flow)
            let axis = dimension.Axes[0]
            reader.Report([ "grid" ], axis.Values[position].Place, SameValue(axis.Path, show position, show earlier))
        | None -> ()

/// The dimensions of an experiment's grid.
let find (reader: Reader) (where: Where) (experiment: Experiment) : Dimension list =
    let grid = experiment.Grid

    let paths =
        [ for axis in grid.Product -> [ "grid"; "product"; axis.Path ], axis
          for index, group in List.indexed grid.Zip do
              for axis in group -> [ "grid"; "zip"; string index; axis.Path ], axis ]

    paths
    |> List.map (fun (at, axis) -> at, axis.Path, Axes.segments experiment axis.Path)
    |> Axes.checkOverlap reader where

    let find at axis = Axes.find reader where experiment at axis

    let dimensions =
        [ for axis in grid.Product do
              match find [ "grid"; "product"; axis.Path ] axis with
              | Some axis -> whole axis
              | None -> ()
          for index, group in List.indexed grid.Zip do
              let axes = group |> List.choose (fun axis -> find [ "grid"; "zip"; string index; axis.Path ] axis)

              if axes.Length = group.Length && not axes.IsEmpty then
                  { Axes = Array.ofList axes; Count = axes.Head.Values.Length } ]

    dimensions |> List.iter (reportSame reader experiment)
    dimensions

/// An entry of `exclude`: for each dimension the positions that it names; null: all of them.
type Exclusion = { Variants: string list; Allowed: HashSet<int> option[] }

/// The entries of `exclude`.
let exclusions (reader: Reader) (where: Where) (experiment: Experiment) (dimensions: Dimension list) (warnings: ResizeArray<Problem>) =
    let variants = experiment.Variants |> List.map _.Name
    let axes = dimensions |> List.collect (fun dimension -> [ for axis in dimension.Axes -> axis.Path ])

    [ for index, point in List.indexed experiment.Grid.Exclude do
          let at = [ "grid"; "exclude"; string index ]
          let allowed = Array.create dimensions.Length None
          let mutable known = true

          for path, value in point.Values do
              match dimensions |> List.tryFindIndex (fun dimension -> dimension.Axes |> Array.exists (fun axis -> axis.Path = path)) with
              | None ->
                  known <- false

                  // An axis that is wrong in itself is reported as such.
                  let written = experiment.Grid.Product @ List.concat experiment.Grid.Zip |> List.map _.Path

                  if not (List.contains path written) then
                      reader.Report([ "grid" ], Option.get (where.Key(at @ [ path ])), ExcludeUnknownAxis(path, axes, Suggest.near path axes))
              | Some dimension ->
                  let axis = dimensions[dimension].Axes |> Array.find (fun axis -> axis.Path = path)

                  let here =
                      HashSet(
                          seq {
                              for position in 0 .. axis.Values.Length - 1 do
                                  if axis.Values[position].Setting = value then
                                      position
                          }
                      )

                  match allowed[dimension] with
                  | Some(before: HashSet<int>) -> here.IntersectWith before
                  | None -> ()

                  allowed[dimension] <- Some here

          for name in point.Variants do
              if not (List.contains name variants) then
                  known <- false
                  reader.Report([ "grid" ], Option.get (where.Value(at @ [ "variant" ])), UnknownVariant(name, variants, Suggest.near name variants))

          if known then
              if allowed |> Array.exists (Option.exists (fun positions -> positions.Count = 0)) then
                  warnings.Add { Mistake = ExcludeMatchesNothing; Place = where.Value at }
              else
                  { Variants = point.Variants; Allowed = allowed } ]

/// The number of points; as large as may be.
let points (dimensions: Dimension list) = dimensions |> List.fold (fun count dimension -> count * float dimension.Count) 1.0
