/// What one must know to read a table: on what it was trained, how its numbers are meant, what is missing, and where they come from.
module ChannelDistillation.Lab.Tables.Caption

open System
open System.Globalization
open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// Why a row has fewer seeds than it should have, where its cell does not say all of it.
let private gap (row: ResultRow) =
    let name = Shown.joined (row.Variant :: (if row.Axes.IsEmpty then [] else [ Shown.point row.Axes ]))

    let reason (status: RowStatus, folders: string list) =
        match status with
        | Missing -> $"{folders.Length} not trained yet"
        | status -> $"{folders.Length} {status} ({Shown.joined folders})"

    match row.Gaps with
    | []
    | [ Missing, _ ] when row.Status <> Partial -> None
    | gaps -> Some $"{name}: {row.Top1Error.Values.Length} of {row.Planned} seeds; {Shown.joined (List.map reason gaps)}."

/// The best of many epochs flatters, unless other images chose the epoch.
let private howBestIsPicked (options: TableOptions) (heldOut: float option list) =
    let inPercent (share: float) = (100.0 * share).ToString("G4", CultureInfo.InvariantCulture) + " %"
    let shares = heldOut |> List.choose id |> List.map inPercent
    let extreme = if options.Accuracy then "highest" else "lowest"
    let onValidation = $"the {extreme} of all epochs, picked on the same validation set, and therefore optimistic."

    let onHeldOut =
        $"that of the epoch which was best on images held out of the training set ({Shown.joined shares}); the validation set had no part in the choice."

    match shares, List.contains None heldOut with
    | [], _ -> $"`best top-1` is {onValidation}"
    | _, false -> $"`best top-1` is {onHeldOut}"
    | _, true -> $"Where images are held out, `best top-1` is {onHeldOut} Elsewhere it is {onValidation}"

let private models (layout: Layout) =
    match layout.Teachers |> List.map _.Model |> List.distinct with
    | [] -> layout.Student
    | teachers -> $"{Shown.joined teachers} → {layout.Student}"

let private trainedOn (layout: Layout) =
    let epochsWord = if layout.Epochs = [ 1 ] then "epoch" else "epochs"
    let seedsWord = if layout.Seeds.Length = 1 then "seed" else "seeds"
    $"{layout.Dataset}, {models layout}, {Shown.joined layout.Epochs} {epochsWord}, {seedsWord} {Shown.joined layout.Seeds}."

let private howMeasured (options: TableOptions) (layout: Layout) =
    let measure = if options.Accuracy then "Accuracies" else "Errors"

    let overSeeds =
        if layout.Seeds.Length > 1 then
            ", mean ± sample standard deviation over the seeds"
        else
            ""

    $"{measure} in percent on the validation set after the last epoch{overSeeds}."

let private cost (what: string) (cost: Cost) =
    let operations =
        cost.MultiplyAdds
        |> Option.map (fun count -> $", {Shown.count count} multiply-accumulates (MACs) per image")
        |> Option.defaultValue ""

    $"{what} {Shown.count cost.Parameters} parameters{operations}"

/// Of teacher and student where there is one of each; of several, columns tell.
let private costs (results: Results) =
    let of' rows = rows |> List.choose (fun (row: ResultRow) -> row.Cost) |> List.distinct
    let teachers, students = results.Rows |> List.partition _.IsTeacher

    match of' teachers, of' students with
    | [ teacher ], [ student ] -> [ cost "Teacher:" teacher + "; " + cost "student:" student + "." ]
    | [], [ student ] -> [ cost "Student:" student + "." ]
    | _ -> []

let private times (results: Results) =
    if results.Rows |> List.exists (fun row -> row.Seconds.Mean.IsSome) then
        [ "`time` is the mean wall-clock time of a run; runs that are trained together share it." ]
    else
        []

/// A row is read beside others of its size, and beside its published number: where it is larger, the reader is told.
let private assisted (layout: Layout) =
    match layout.Rows |> List.filter _.Assisted with
    | [] -> []
    | rows ->
        let names = rows |> List.map _.Variant |> List.distinct
        let isOne = names.Length = 1

        let published =
            if rows |> List.exists _.Published.IsSome then
                " The published number is of one network divided in two, which together have the size of one."
            else
                ""

        [ $"""{Shown.larger} {Shown.joined names}: residual knowledge distillation (arXiv 2002.09168), not the relational one. """
          + $"""{(if isOne then "Its network is" else "Their networks are")} two students that answer together, """
          + $"twice the parameters and the cost of the other rows.{published}" ]

/// With views, all rows have seen fewer images than training without a cache shows.
let private caches (layout: Layout) =
    let note (cache: TeacherCache) =
        match cache.Views with
        | None -> "it was asked once about each training image"
        | Some views -> $"every training image was varied in {views} ways and no more, and it was asked once about each"

    match List.choose id layout.Caches with
    | [] -> []
    | kept ->
        let where = if List.contains None layout.Caches then " of some runs" else ""
        let notes = kept |> List.map note |> String.concat "; or "
        [ $"What the teacher{where} says was kept (`teacher.cache`): {notes}." ]

/// Numbers of fewer bits are another experiment.
let private precisions (layout: Layout) =
    if List.contains Precision.BFloat16 layout.Precisions then
        let where = if layout.Precisions.Length > 1 then " of some runs" else ""
        [ $"Convolutions and linear layers{where} computed in bfloat16 (`train.precision`), everything else in float32." ]
    else
        []

/// How differences are meant.
let test =
    $"Differences are in percentage points, mean ± sample standard deviation over common seeds; p is that of a two-sided paired t-test, from {Difference.fewestSeeds} seeds on, not corrected for several comparisons."

let private differences (options: TableOptions) =
    [ for column in options.Differences do
          match column with
          | DifferenceColumn.Interval -> "95 % CI: confidence interval of the mean difference, by Student's t over the common seeds."
          | DifferenceColumn.Welch -> "Welch: two-sided Welch's t-test, which does not pair the seeds."
          | DifferenceColumn.Holm -> "Holm: the paired test, corrected for the number of comparisons in this table." ]

let private selection (layout: Layout) =
    let trained = layout.Rows |> List.filter (fun row -> not row.Folders.IsEmpty)
    Selection.warning layout.HeldOut [ for row in trained -> row.Variant, row.Axes ] |> Option.toList

/// Where a baseline stands at several points of an axis of its own, no row is the one to compare with.
let private ambiguous (baseline: string) (results: Results) =
    let own = results.Rows |> List.filter (fun row -> row.Variant = baseline && row.IsTrained)

    let isTorn (row: ResultRow) =
        row.IsTrained
        && row.Variant <> baseline
        && (own |> List.filter (fun other -> Layout.agree other.Axes row.Axes)).Length > 1

    if List.exists isTorn results.Rows then
        let axes = own |> List.collect _.Axes |> List.map (fst >> Layout.shortAxis) |> List.distinct
        [ $"Several rows of {baseline} ({Shown.joined axes}) would fit the rows that have no difference to it." ]
    else
        []

/// Source and protocol of the published numbers; where they differ between rows, the rows of the smaller groups are named.
let private published (layout: Layout) =
    let rows =
        [ for teacher in layout.Teachers -> "teacher", teacher.Published
          for row in layout.Rows -> row.Variant, row.Published ]

    let groups =
        [ for name, numbers in rows do
              match numbers |> Option.map (fun numbers -> List.choose id [ numbers.Source; numbers.Protocol ]) with
              | None
              | Some [] -> ()
              | Some origin -> String.Join("; ", origin), name ]
        |> List.groupBy fst
        |> List.map (fun (origin, rows) -> origin, rows |> List.map snd |> List.distinct)
        |> List.sortByDescending (snd >> List.length)

    match groups with
    | [] -> []
    | (origin, _) :: others -> $"Published: {origin}." :: [ for origin, names in others -> $"Published for {Shown.joined names}: {origin}." ]

/// Missing and failed runs, and where the numbers come from.
let origins (results: Results) : string list =
    List.choose gap results.Rows
    @ Provenance.lines results.Provenance
    @ (results.Layout.Command |> Option.map (fun command -> $"Command: `{command}`") |> Option.toList)

let lines (options: TableOptions) (results: Results) : string list =
    let layout = results.Layout

    [ trainedOn layout
      howMeasured options layout
      + (if options.Pivot.IsSome then
             ""
         else
             " " + howBestIsPicked options layout.HeldOut)
      yield! selection layout
      yield! assisted layout
      yield! caches layout
      yield! precisions layout
      for baseline in Option.toList options.Baseline do
          test
          yield! differences options
          yield! ambiguous baseline results
      yield! costs results
      if options.Pivot.IsNone then
          yield! times results
          yield! published layout
      yield! origins results ]
