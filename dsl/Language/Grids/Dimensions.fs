/// The dimensions of a grid, which are combined with each other.
module ChannelDistillation.Dsl.Grids.Dimensions

open System
open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

/// Axes that vary together: those of an entry of `zip`, or a single axis of `product`.
type Dimension = { Axes: Axes.FoundAxis[]; Count: int }

/// The valid dimensions of a grid, and the sections of the file that a wholly invalid axis would set.
type Found = { Dimensions: Dimension list; Unsure: Set<string> }

/// Reports positions that set the same as an earlier one. Numbers are compared only as text, because there can be many.
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

                match before.TryGetValue(Axes.varied point) with
                | true, earlier -> Some earlier
                | _ ->
                    before[Axes.varied point] <- position
                    None

        match earlier with
        | Some earlier ->
            let show position = String.Join(", ", settings position |> List.map Emit.flow)
            let axis = dimension.Axes[0]
            reader.Report([ axis.Name; "grid" ], axis.Values[position].Place, DuplicateAxisValue(axis.Name, show position, show earlier))
        | None -> ()

/// All axes of a grid with their paths in the file, grouped by dimension.
let private written (grid: Grid) : (string list * Axis) list list =
    [ for axis in grid.Product -> [ [ "grid"; "product"; axis.Name ], axis ]
      for index, group in List.indexed grid.Zip -> [ for axis in group -> [ "grid"; "zip"; string index; axis.Name ], axis ] ]

/// The dimension of a group of axes, with the positions at which all values are valid.
let private dimension (experiment: Experiment) (group: (Axis * Axes.AxisValue option list) list) : Dimension option =
    let lengths = group |> List.map (fun (_, values) -> values.Length) |> List.distinct

    match lengths with
    | [ length ] ->
        let good =
            [ for position in 0 .. length - 1 do
                  if group |> List.forall (fun (_, values) -> values[position].IsSome) then
                      position ]

        if good.IsEmpty then
            None
        else
            let found (axis: Axis, values: Axes.AxisValue option list) : Axes.FoundAxis =
                let values = List.toArray values

                { Name = axis.Name
                  Segments = List.map (Axes.segments experiment) axis.Paths
                  Values = [| for position in good -> values[position].Value |] }

            Some { Axes = [| for axis in group -> found axis |]; Count = good.Length }
    // Axes of different lengths are reported already.
    | _ -> None

/// Finds the dimensions of an experiment's grid.
let find (reader: Reader) (where: PlaceFinder) (experiment: Experiment) : Found =
    let groups = written experiment.Grid

    for at, axis in List.concat groups do
        if axis.IsNamed && (ExperimentCodec.axisUse axis.Name).IsSome then
            reader.Report(List.rev at, Option.get (where.Key at), ReservedAxisName axis.Name)

    List.concat groups
    |> List.collect (fun (at, axis) -> Axes.located where experiment at axis.Paths)
    |> Axes.checkOverlap reader where

    let found =
        [ for group in groups do
              let group = [ for at, axis in group -> axis, Axes.values reader where experiment at axis ]
              group, dimension experiment group ]

    let dimensions = found |> List.choose snd
    dimensions |> List.iter (reportSame reader experiment)

    { Dimensions = dimensions
      Unsure =
        set
            [ for group, dimension in found do
                  if dimension.IsNone then
                      for axis, _ in group do
                          for path in axis.Paths -> path.Split('.')[0] ] }

/// The number of points; a float, because it can exceed every integer.
let points (dimensions: Dimension list) = dimensions |> List.fold (fun count dimension -> count * float dimension.Count) 1.0
