/// Turns the points of a grid into drafts of rows.
module ChannelDistillation.Dsl.Planning.Drafts

open System
open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Grids.Dimensions

/// Compares resolved variants. The hash covers only the settings that grids vary most.
let private sameResult: IEqualityComparer<Resolve.Resolved> =
    { new IEqualityComparer<Resolve.Resolved> with
        member _.Equals(a, b) = a = b

        member _.GetHashCode resolved =
            let mutable hash = HashCode()
            hash.Add resolved.Student.Name
            hash.Add resolved.Train.Epochs
            hash.Add resolved.Train.Batch
            hash.Add resolved.Train.Optimizer.LearningRate
            hash.Add resolved.Train.Optimizer.Momentum
            hash.Add resolved.Train.Optimizer.WeightDecay

            for loss in resolved.Losses do
                hash.Add loss.Weight
                hash.Add loss.StartAfter
                hash.Add loss.StopAfter

                for _, value in loss.Parameters do
                    match value with
                    | Number value -> hash.Add value
                    | _ -> ()

            hash.ToHashCode() }

/// Numbers the axes, and the values on each.
type AxisTable() =
    let names = ResizeArray<string>()
    let values = ResizeArray<ResizeArray<Setting>>()
    let numbers = ResizeArray<Dictionary<Setting, int>>()
    let places = ResizeArray<ResizeArray<Place>>()

    member _.Count = names.Count
    member _.Name axis = names[axis]
    member _.Values axis = values[axis]

    /// The first place of a value.
    member _.Place(axis: int, value: int) = places[axis][value]

    /// The number of an axis; new ones are added.
    member _.Axis(name: string) =
        match names.IndexOf name with
        | -1 ->
            names.Add name
            values.Add(ResizeArray())
            numbers.Add(Dictionary HashIdentity.Structural)
            places.Add(ResizeArray())
            names.Count - 1
        | axis -> axis

    /// The number of a value; new values are added.
    member _.Value(axis: int, value: Axes.AxisValue) =
        match numbers[axis].TryGetValue value.Setting with
        | true, known -> known
        | _ ->
            numbers[axis].Add(value.Setting, values[axis].Count)
            values[axis].Add value.Setting
            places[axis].Add value.Place
            values[axis].Count - 1

/// A draft of a row: its resolved settings, the experiment at its first point, and for each axis the number of the value that all its points
/// share; -1: none.
type Draft = { Variant: string; Resolved: Resolve.Resolved; There: Experiment; Values: int[] }

/// By draft: whether changing the position on a dimension leads from one of its points to another draft.
let private depends (draftAt: int[]) (drafts: int) (sizes: int[]) (dimension: int) : bool[] =
    let depends = Array.create drafts false
    let stride = sizes |> Array.skip (dimension + 1) |> Array.fold (*) 1

    for start in 0 .. draftAt.Length - 1 do
        if start / stride % sizes[dimension] = 0 then
            let line = seq { for position in 0 .. sizes[dimension] - 1 -> draftAt[start + position * stride] }
            let there = line |> Seq.filter (fun draft -> draft >= 0)

            if not (Seq.isEmpty there) && there |> Seq.exists ((<>) (Seq.head there)) then
                for draft in there do
                    depends[draft] <- true

    depends

/// The drafts of a variant: grid points with the same resolved settings are one draft.
let ofVariant
    (axisTable: AxisTable)
    (experiment: Experiment)
    (dimensions: Dimension[])
    (excluded: Exclusions.Exclusion list)
    (variant: Variant)
    : Draft list =
    let axes =
        [ for dimension in dimensions do
              yield! dimension.Axes ]

    // By dimension: the axes that this variant may depend on, with the number of the value at each position.
    let used =
        dimensions
        |> Array.map (fun dimension ->
            [| for axis in dimension.Axes do
                   if Axes.mayUse experiment variant axes axis then
                       let number = axisTable.Axis axis.Name
                       struct (number, [| for value in axis.Values -> axisTable.Value(number, value) |]) |])

    let excluded = Points.excludedFor variant excluded

    let walked = dimensions |> Array.mapi (fun index _ -> used[index].Length > 0 || Points.isExcludedBy excluded index)

    let resolver = Resolve.Resolver()
    let drafts = ResizeArray<Draft>()
    let sizes = Array.map2 (fun (dimension: Dimension) walked -> if walked then dimension.Count else 1) dimensions walked
    // The draft number of each point; -1: excluded.
    let draftAt = Array.create (Array.fold (*) 1 sizes) -1
    let agrees = ResizeArray<bool[]>()
    let numbers = Dictionary<Resolve.Resolved, int>(sameResult)
    let mutable point = -1

    Points.walk dimensions walked experiment (fun positions experiment ->
        point <- point + 1

        if excluded.IsEmpty || not (Exclusions.contains excluded positions) then
            let here = experiment.Variants |> List.find (fun other -> other.Name = variant.Name)

            let resolved = resolver.Resolve(experiment, here)

            match numbers.TryGetValue resolved with
            | true, number ->
                draftAt[point] <- number

                for index in 0 .. dimensions.Length - 1 do
                    for struct (axis, values) in used[index] do
                        if drafts[number].Values[axis] <> values[positions[index]] then
                            agrees[number][axis] <- false
            | _ ->
                let values = Array.create axisTable.Count -1

                for index in 0 .. dimensions.Length - 1 do
                    for struct (axis, known) in used[index] do
                        values[axis] <- known[positions[index]]

                draftAt[point] <- drafts.Count
                numbers[resolved] <- drafts.Count
                drafts.Add { Variant = variant.Name; Resolved = resolved; There = experiment; Values = values }
                agrees.Add(Array.create axisTable.Count true))

    // If an axis changes nothing, the row has no value on it. If only some of its values are equivalent, the row has the first of them.
    for index in 0 .. dimensions.Length - 1 do
        if
            walked[index]
            && agrees |> Seq.exists (fun agrees -> used[index] |> Array.exists (fun struct (axis, _) -> not agrees[axis]))
        then
            let matters = depends draftAt drafts.Count sizes index

            for number in 0 .. drafts.Count - 1 do
                let agrees = agrees[number]
                let isShown = matters[number] && not (used[index] |> Array.exists (fun struct (axis, _) -> agrees[axis]))

                if not isShown then
                    for struct (axis, _) in used[index] do
                        if not agrees[axis] then
                            drafts[number].Values[ axis ] <- -1

    List.ofSeq drafts

/// The drafts of `include`, for each of its variants.
let included (axisTable: AxisTable) (experiment: Experiment) (inclusions: Inclusions.Inclusion list) : Draft list =
    [ for inclusion in inclusions do
          let there = Inclusions.apply experiment inclusion

          for variant in Inclusions.variants inclusion there do
              let used =
                  [ for axis in inclusion.Axes do
                        if Axes.mayUse experiment variant inclusion.Axes axis then
                            let number = axisTable.Axis axis.Name
                            number, axisTable.Value(number, axis.Values[0]) ]

              let values = Array.create axisTable.Count -1

              for axis, value in used do
                  values[axis] <- value

              { Variant = variant.Name
                Resolved = Resolve.Resolver().Resolve(there, variant)
                There = there
                Values = values } ]

/// Distinct drafts in the order of the variants.
let merge (experiment: Experiment) (drafts: Draft list) : Draft list =
    let byVariant = drafts |> List.groupBy _.Variant |> Map.ofList

    [ for variant in experiment.Variants do
          let seen = HashSet<Resolve.Resolved>(sameResult)

          for draft in byVariant |> Map.tryFind variant.Name |> Option.defaultValue [] do
              if seen.Add draft.Resolved then
                  draft ]

/// The distinct runs of all rows: variants can have the same resolved settings.
let distinct (drafts: Draft list) (rows: Row list) : PlannedRun list =
    let others = Dictionary<Resolve.Resolved, ResizeArray<Row>>(sameResult)

    let firsts =
        [ for draft, row in List.zip drafts rows do
              match others.TryGetValue draft.Resolved with
              | true, others -> others.Add row
              | _ ->
                  let mine = ResizeArray()
                  others.Add(draft.Resolved, mine)
                  row, mine ]

    [ for row, others in firsts do
          if others.Count = 0 then
              yield! row.Runs
          else
              for index, run in List.indexed row.Runs -> { run with Others = [ for other in others -> other.Variant, other.Runs[index].Name ] } ]
