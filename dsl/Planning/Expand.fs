/// From an experiment to its rows and runs.
module ChannelDistillation.Dsl.Expand

open System.Collections.Generic

/// Axes that move together; a single axis is a group of one.
type private Dimension = { Axes: FoundAxis[]; Count: int }

and private FoundAxis = Axes.FoundAxis

/// Values of one point on the axes that a variant may use, by axis; -1: not used.
[<Struct>]
type private Candidate =
    { Resolved: Resolve.Resolved
      Positions: int[] }

let private whole (axis: FoundAxis) = { Axes = [| axis |]; Count = axis.Values.Length }

let private dimensions (reader: Reader) (where: Where) (experiment: Experiment) : Dimension list =
    let grid = experiment.Grid

    let paths =
        [ for axis in grid.Product -> [ "grid"; "product"; axis.Path ], axis
          for index, group in List.indexed grid.Zip do
              for axis in group -> [ "grid"; "zip"; string index; axis.Path ], axis ]

    paths
    |> List.map (fun (at, axis) -> at, axis.Path, Axes.segments experiment axis.Path)
    |> Axes.checkOverlap reader where

    let find at axis = Axes.find reader where experiment at axis

    [ for axis in grid.Product do
          match find [ "grid"; "product"; axis.Path ] axis with
          | Some axis -> whole axis
          | None -> ()
      for index, group in List.indexed grid.Zip do
          let axes = group |> List.choose (fun axis -> find [ "grid"; "zip"; string index; axis.Path ] axis)

          if axes.Length = group.Length && not axes.IsEmpty then
              { Axes = Array.ofList axes
                Count = axes.Head.Values.Length } ]

/// An entry of `exclude`: for each dimension the positions that it names; null: all of them.
type private Exclusion =
    { Variants: string list
      Allowed: HashSet<int> option[] }

let private exclusions (reader: Reader) (where: Where) (experiment: Experiment) (dimensions: Dimension list) (warnings: ResizeArray<Problem>) =
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
                  let written =
                      experiment.Grid.Product @ List.concat experiment.Grid.Zip |> List.map _.Path

                  if not (List.contains path written) then
                      reader.Report([ "grid" ], Option.get (where.Key(at @ [ path ])), ExcludeUnknownAxis(path, axes, Suggest.near path axes))
              | Some dimension ->
                  let axis = dimensions[dimension].Axes |> Array.find (fun axis -> axis.Path = path)

                  let here =
                      HashSet(seq {
                          for position in 0 .. axis.Values.Length - 1 do
                              if axis.Values[position].Setting = value then
                                  position
                      })

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
                  warnings.Add
                      { Mistake = ExcludeMatchesNothing
                        Place = where.Value at }
              else
                  { Variants = point.Variants
                    Allowed = allowed } ]

/// Every combination of positions on some dimensions, the first dimension slowest, with the experiment at each.
let rec private walk (dimensions: Dimension[]) (used: bool[]) (index: int) (positions: int[]) (experiment: Experiment) (visit: Experiment -> unit) =
    if index = dimensions.Length then
        visit experiment
    elif not used[index] then
        positions[index] <- -1
        walk dimensions used (index + 1) positions experiment visit
    else
        for position in 0 .. dimensions[index].Count - 1 do
            positions[index] <- position

            let here =
                (experiment, dimensions[index].Axes)
                ||> Array.fold (fun experiment axis -> axis.Values[position].Apply experiment)

            walk dimensions used (index + 1) positions here visit

/// A row in the making: what its runs compute, and the values that all points agree on which lead to it.
type private Draft =
    { Variant: string
      Resolved: Resolve.Resolved
      /// By axis path, in order; a value that points disagree on is gone.
      Values: Dictionary<string, Setting> }

/// Reports, once each, what does not fit together at points of the grid.
type private PointChecks(reader: Reader, where: Where) =
    let seen = HashSet<struct (DatasetSource * Model * Model * string)>(HashIdentity.Structural)
    let stems = HashSet<Model>(HashIdentity.Structural)
    let mutable noTeacher = false

    let placeOf (axes: (string list * Place) list) (heads: string list list) =
        axes
        |> List.tryFind (fun (segments, _) -> heads |> List.exists (fun head -> List.truncate head.Length segments = head))
        |> Option.map snd
        |> Option.orElseWith (fun () -> where.Value [ "student"; "model" ])
        |> Option.get

    /// `axes`: paths and places of the values at this point.
    member _.Check (experiment: Experiment) (variant: Variant) (axes: unit -> (string list * Place) list) =
        let check model path =
            if stems.Add model && model.Stem.IsSome then
                Check.stem reader (placeOf (axes ()) [ path ]) path model

        check experiment.Student [ "student" ]
        experiment.Teacher |> Option.iter (fun teacher -> check teacher.Model [ "teacher" ])

        match experiment.Teacher with
        | None ->
            if not noTeacher && Resolve.usesTeacher variant then
                noTeacher <- true

                let loss =
                    variant.Losses |> List.map fst |> List.find (fun loss -> (ChannelDistillation.Losses.LossCatalog.Get loss).NeedsTeacher)

                reader.Report([ "grid" ], placeOf (axes ()) [ [ "teacher" ]; [ "variants" ] ], NoTeacher(loss, variant.Name, []))
        | Some teacher ->
            for loss, _ in variant.Losses do
                if seen.Add(struct (experiment.Dataset.Source, experiment.Student, teacher.Model, loss)) then
                    match Check.whyNotPaired experiment.Dataset experiment.Student teacher.Model loss with
                    | None -> ()
                    | Some reason ->
                        let place = placeOf (axes ()) [ [ "student" ]; [ "teacher" ]; [ "dataset" ]; [ "variants" ]; [ "losses" ] ]
                        reader.Report([ "grid" ], place, CannotPair(loss, experiment.Student.Name, teacher.Model.Name, reason))

let private draftsOf (checks: PointChecks) (experiment: Experiment) (dimensions: Dimension[]) (excluded: Exclusion list) (variant: Variant) =
    let axes = [ for dimension in dimensions do yield! dimension.Axes ]
    let uses = Dictionary<string, bool>()

    for axis in axes do
        uses[axis.Path] <- Axes.mayUse variant axes axis

    let excluded =
        excluded |> List.filter (fun entry -> entry.Variants.IsEmpty || List.contains variant.Name entry.Variants)

    let walked =
        dimensions
        |> Array.mapi (fun index dimension ->
            dimension.Axes |> Array.exists (fun axis -> uses[axis.Path])
            || excluded |> List.exists (fun entry -> entry.Allowed[index].IsSome))

    let drafts = Dictionary<Resolve.Resolved, Draft>(HashIdentity.Structural)
    let order = ResizeArray<Draft>()
    let positions = Array.create dimensions.Length -1

    walk dimensions walked 0 positions experiment (fun point ->
        let isExcluded =
            excluded
            |> List.exists (fun entry ->
                Seq.forall2 (fun (allowed: HashSet<int> option) position -> allowed |> Option.forall (fun allowed -> allowed.Contains position)) entry.Allowed positions)

        if not isExcluded then
            let here = point.Variants |> List.find (fun other -> other.Name = variant.Name)

            checks.Check point here (fun () ->
                [ for index, dimension in Array.indexed dimensions do
                      if positions[index] >= 0 then
                          for axis in dimension.Axes -> axis.Segments, axis.Values[positions[index]].Place ])

            let resolved = Resolve.variant point here

            match drafts.TryGetValue resolved with
            | true, draft ->
                for index in 0 .. dimensions.Length - 1 do
                    if positions[index] >= 0 then
                        for axis in dimensions[index].Axes do
                            match draft.Values.TryGetValue axis.Path with
                            | true, value when value <> axis.Values[positions[index]].Setting -> draft.Values.Remove axis.Path |> ignore
                            | _ -> ()
            | _ ->
                let values = Dictionary<string, Setting>()

                for index in 0 .. dimensions.Length - 1 do
                    if positions[index] >= 0 then
                        for axis in dimensions[index].Axes do
                            if uses[axis.Path] then
                                values[axis.Path] <- axis.Values[positions[index]].Setting

                let draft =
                    { Variant = variant.Name
                      Resolved = resolved
                      Values = values }

                drafts[resolved] <- draft
                order.Add draft)

    List.ofSeq order

/// The points of `include`, for each variant that they are for.
let private included (reader: Reader) (where: Where) (checks: PointChecks) (experiment: Experiment) =
    let variants = experiment.Variants |> List.map _.Name

    [ for index, point in List.indexed experiment.Grid.Include do
          let at = [ "grid"; "include"; string index ]

          for name in point.Variants do
              if not (List.contains name variants) then
                  reader.Report([ "grid" ], Option.get (where.Value(at @ [ "variant" ])), UnknownVariant(name, variants, Suggest.near name variants))

          let values =
              [ for path, setting in point.Values -> path, setting, Axes.value reader where experiment (at @ [ path ]) path setting ]

          point.Values
          |> List.map (fun (path, _) -> at @ [ path ], path, Axes.segments experiment path)
          |> Axes.checkOverlap reader where

          if values |> List.forall (fun (_, _, value) -> value.IsSome) then
              let values = values |> List.map (fun (path, setting, value) -> path, setting, value.Value)

              let axes: FoundAxis list =
                  [ for path, _, value in values ->
                        { Path = path
                          Segments = Axes.segments experiment path
                          Values = [| value |] } ]

              let here = (experiment, values) ||> List.fold (fun experiment (_, _, value) -> value.Apply experiment)

              for variant in here.Variants do
                  if point.Variants.IsEmpty || List.contains variant.Name point.Variants then
                      checks.Check here variant (fun () -> [ for axis in axes -> axis.Segments, axis.Values[0].Place ])
                      let used = Dictionary<string, Setting>()

                      for axis, (path, setting, _) in List.zip axes values do
                          if Axes.mayUse variant axes axis then
                              used[path] <- setting

                      { Variant = variant.Name
                        Resolved = Resolve.variant here variant
                        Values = used } ]

/// Rows with the names of their runs.
let private rows (experiment: Experiment) (drafts: Draft list) : Row list =
    let segments =
        drafts
        |> Seq.collect (fun draft -> draft.Values.Keys)
        |> Seq.distinct
        |> Seq.map (fun path -> path, Axes.segments experiment path)
        |> List.ofSeq

    let short =
        dict [ for path, own in segments -> path, Names.shortest own [ for other, segments in segments do if other <> path then segments ] ]

    // What is written in names, by axis and value; axes with one value are not worth their place.
    let shown = Dictionary<string, Dictionary<Setting, string>>()
    let flows = Dictionary<string, Dictionary<Setting, string>>()

    for path, _ in segments do
        let all =
            drafts
            |> Seq.choose (fun draft ->
                match draft.Values.TryGetValue path with
                | true, value -> Some value
                | _ -> None)
            |> Seq.distinct
            |> Array.ofSeq

        let table = Dictionary<Setting, string>(HashIdentity.Structural)
        let flow = Dictionary<Setting, string>(HashIdentity.Structural)
        Array.iter2 (fun value name -> table[value] <- name) all (Names.values all)

        for value in all do
            flow[value] <-
                match value with
                | Scalar text -> text
                | other -> Emit.flow other

        shown[path] <- table
        flows[path] <- flow

    let varies variant =
        let values = Dictionary<string, Setting>()
        let varying = HashSet<string>()

        for draft in drafts do
            if draft.Variant = variant then
                for entry in draft.Values do
                    match values.TryGetValue entry.Key with
                    | true, value when value <> entry.Value -> varying.Add entry.Key |> ignore
                    | true, _ -> ()
                    | _ -> values[entry.Key] <- entry.Value

        let several = drafts |> List.filter (fun draft -> draft.Variant = variant)
        // A point that says nothing of an axis differs from one that does.
        for draft in several do
            for key in values.Keys do
                if not (draft.Values.ContainsKey key) then
                    varying.Add key |> ignore

        varying

    let varying = dict [ for variant in experiment.Variants -> variant.Name, varies variant.Name ]

    [ for draft in drafts do
          let axes = [ for entry in draft.Values -> entry.Key, flows[entry.Key][entry.Value] ]

          let named =
              [ for entry in draft.Values do
                    if varying[draft.Variant].Contains entry.Key then
                        short[entry.Key], shown[entry.Key][entry.Value] ]

          let specs = Resolve.specs draft.Resolved experiment.Seeds

          { Variant = draft.Variant
            Axes = axes
            Runs =
              [ for seed, spec in List.zip experiment.Seeds specs ->
                    { Variant = draft.Variant
                      Axes = axes
                      Seed = seed
                      Name = Names.run draft.Variant named seed
                      Spec = spec } ] } ]

/// Points that come to the same rows, of a variant and of all of them.
let private merge (experiment: Experiment) (drafts: Draft list) =
    [ for variant in experiment.Variants do
          let seen = HashSet<Resolve.Resolved>(HashIdentity.Structural)

          for draft in drafts do
              if draft.Variant = variant.Name && seen.Add draft.Resolved then
                  draft ]

let private pointCount (dimensions: Dimension list) =
    dimensions |> List.fold (fun count dimension -> count * float dimension.Count) 1.0

/// The plan of an experiment whose parts are right in themselves, and warnings; problems go to the reader.
let plan (reader: Reader) (where: Where) (experiment: Experiment) : (Plan * Problem list) option =
    let before = reader.Problems.Length
    let warnings = ResizeArray<Problem>()
    let dimensions = dimensions reader where experiment
    let excluded = exclusions reader where experiment dimensions warnings
    let points = pointCount dimensions

    if points > float GridCodec.pointLimit then
        reader.Report([ "grid" ], Option.get (where.Key [ "grid" ]), GridTooLarge(points, GridCodec.pointLimit))

    if reader.Problems.Length > before then
        None
    else
        let checks = PointChecks(reader, where)
        let dimensions = Array.ofList dimensions

        let drafts =
            (experiment.Variants |> List.collect (draftsOf checks experiment dimensions excluded))
            @ included reader where checks experiment
            |> merge experiment

        if drafts.IsEmpty && reader.Problems.Length = before then
            reader.Report([ "grid" ], Option.get (where.Key [ "grid"; "exclude" ]), EverythingExcluded)

        if reader.Problems.Length > before then
            None
        else
            for dimension in dimensions do
                for axis in dimension.Axes do
                    if drafts |> List.forall (fun draft -> not (draft.Values.ContainsKey axis.Path)) then
                        let place =
                            where.Key [ "grid"; "product"; axis.Path ]
                            |> Option.filter (fun _ -> (where.Node [ "grid"; "product"; axis.Path ]).IsSome)
                            |> Option.orElse (Some axis.Values[0].Place)

                        warnings.Add
                            { Mistake = UnusedAxis axis.Path
                              Place = place }

            let rows = rows experiment drafts
            let seen = HashSet<struct (Resolve.Resolved * int64)>(HashIdentity.Structural)

            let runs =
                [ for draft, row in List.zip drafts rows do
                      for run in row.Runs do
                          if seen.Add(struct (draft.Resolved, run.Seed)) then
                              run ]

            Some(
                { Experiment = experiment
                  Rows = rows
                  Runs = runs },
                List.ofSeq warnings
            )
