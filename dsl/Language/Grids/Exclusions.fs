/// The section `exclude` of a grid.
module ChannelDistillation.Dsl.Grids.Exclusions

open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Grids.Dimensions

/// An entry of `exclude`: for each dimension, the positions that it names; None: all. `Index`: its position in the list.
type Exclusion = { Index: int; Variants: string list; Paths: string list; Allowed: HashSet<int> option[] }

/// Sorts mappings by key, because the order of their entries does not matter.
let rec private unordered (setting: Setting) =
    match setting with
    | Scalar _ -> setting
    | Items items -> Items(List.map unordered items)
    | Entries entries -> Entries(entries |> List.map (fun (key, value) -> key, unordered value) |> List.sortBy fst)

/// The positions of an axis that have a value or set the same.
let private positionsOf (where: PlaceFinder) (experiment: Experiment) (axis: Axes.FoundAxis) (at: string list) (value: Setting) : int list =
    let positions isIt =
        [ for position in 0 .. axis.Values.Length - 1 do
              if isIt axis.Values[position] then
                  position ]

    let value = unordered value

    match value, positions (fun known -> unordered known.Setting = value) with
    | Scalar text, [] when (Numbers.tryParse text).IsSome -> []
    | _, [] ->
        // `cosine` matches `{ cosine: {} }`. An invalid value matches nothing, which the caller reports.
        match Axes.value (Reader()) where experiment at axis.Name value with
        | None -> []
        | Some found ->
            let set = Axes.varied (found.Values[0].Apply experiment)
            positions (fun known -> Axes.varied (known.Apply experiment) = set)
    | _, found -> found

/// The positions that match a value or any value of a list, and the paths of values that match nothing.
let private matches
    (where: PlaceFinder)
    (experiment: Experiment)
    (axis: Axes.FoundAxis)
    (at: string list)
    (value: Setting)
    : int list * string list list =
    match positionsOf where experiment axis at value, value with
    | [], Items items when not items.IsEmpty ->
        let each = [ for index, item in List.indexed items -> positionsOf where experiment axis (at @ [ string index ]) item ]

        if List.forall List.isEmpty each then
            [], [ at ]
        else
            List.concat each,
            [ for index, found in List.indexed each do
                  if found.IsEmpty then
                      at @ [ string index ] ]
    | [], _ -> [], [ at ]
    | found, _ -> found, []

/// Reports a name that is not a variant of the file.
let checkVariant (reader: Reader) (where: PlaceFinder) (at: string list) (name: string) =
    let known =
        match where.Node [ "variants" ] with
        | Some { Content = Mapping entries } -> entries |> List.map _.Name
        | _ -> []

    if not (known.IsEmpty || List.contains name known) then
        reader.Report(List.rev at, Option.get (where.Value(at @ [ "variant" ])), UnknownVariant(name, known, Suggest.near name known))

/// The paths of all axes in the file, including invalid ones.
let private writtenAxes (where: PlaceFinder) =
    let keys path =
        match where.Node path with
        | Some { Content = Mapping entries } -> entries |> List.map _.Name
        | _ -> []

    let groups =
        match where.Node [ "grid"; "zip" ] with
        | Some { Content = Sequence items } -> items.Length
        | _ -> 0

    [ yield! keys [ "grid"; "product" ]
      for index in 0 .. groups - 1 do
          yield! keys [ "grid"; "zip"; string index ] ]

/// The entries of `exclude` that match something. Those that match nothing give a warning.
let find
    (reader: Reader)
    (where: PlaceFinder)
    (experiment: Experiment)
    (dimensions: Dimension list)
    (warnings: ResizeArray<Problem>)
    : Exclusion list =
    let axes = writtenAxes where
    let isBroken = [ "product"; "zip" ] |> List.exists (fun part -> reader.IsReported [ "grid"; part ])

    [ for index, point in List.indexed experiment.Grid.Exclude do
          let at = [ "grid"; "exclude"; string index ]
          let allowed = Array.create dimensions.Length None
          let mutable known = true

          for path, value in point.Values do
              let at = at @ [ path ]

              match dimensions |> List.tryFindIndex (fun dimension -> dimension.Axes |> Array.exists (fun axis -> axis.Name = path)) with
              | None ->
                  known <- false

                  if not (isBroken || List.contains path axes) then
                      let near =
                          match
                              [ for entry in experiment.Grid.Named do
                                    if List.contains path entry.Value then
                                        entry.Key ]
                          with
                          | [] -> Suggest.near path ("variant" :: axes)
                          | named -> named

                      // The axis that is meant is misspelt, which is reported already.
                      let isPath name = (ExperimentCodec.codec.Edit (Axes.segments experiment name) experiment).IsOk
                      let isMisspelt name = List.contains name axes && not (experiment.Grid.Named.ContainsKey name || isPath name)

                      if not (isPath path && List.exists isMisspelt near) then
                          reader.Report(List.rev at, Option.get (where.Key at), ExcludeUnknownAxis(path, axes, near))
              | Some dimension ->
                  let axis = dimensions[dimension].Axes |> Array.find (fun axis -> axis.Name = path)
                  let positions, nothing = matches where experiment axis at value

                  for place in nothing do
                      let values = [ for value in axis.Values |> Array.truncate 20 -> Emit.flow value.Setting ]
                      warnings.Add { Diagnostic = ExcludeMatchesNothing(path, values); Place = where.Value place }

                  let here = HashSet positions

                  allowed[dimension] |> Option.iter (fun (before: HashSet<int>) -> here.IntersectWith before)
                  allowed[dimension] <- Some here

          for name in point.Variants do
              checkVariant reader where at name

          let isEmpty = allowed |> Array.exists (Option.exists (fun positions -> positions.Count = 0))

          if known && not isEmpty then
              { Index = index; Variants = point.Variants; Paths = List.map fst point.Values; Allowed = allowed } ]

/// Whether any entry excludes a point.
let contains (excluded: Exclusion list) (positions: int[]) =
    excluded
    |> List.exists (fun entry ->
        Array.forall2
            (fun (allowed: HashSet<int> option) position -> allowed |> Option.forall (fun allowed -> allowed.Contains position))
            entry.Allowed
            positions)
