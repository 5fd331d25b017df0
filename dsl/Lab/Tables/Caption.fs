/// The caption of a table: dataset and models, how the numbers were measured, what is missing, and their provenance.
module ChannelDistillation.Lab.Tables.Caption

open System
open System.Globalization
open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// Why a row has fewer seeds than planned, unless its cell says so completely.
let private gap (pointOf: ResultRow -> (string * string) list) (row: ResultRow) =
    let point = pointOf row
    let name = TableText.joined (row.Variant :: (if point.IsEmpty then [] else [ TableText.point point ]))

    let reason (status: RowStatus, gaps: Gap list) =
        let shown (gap: Gap) =
            match gap.Reason with
            | Some reason -> $"{gap.Folder}: {reason}"
            | None -> gap.Folder

        match status with
        | Missing -> $"{gaps.Length} not trained yet"
        | status -> $"{gaps.Length} {status} ({TableText.joined (List.map shown gaps)})"

    match row.Gaps with
    | []
    | [ Missing, _ ] when row.Status <> Partial -> None
    | gaps -> Some $"{name}: {row.Top1Error.Values.Length} of {row.Planned} seeds; {TableText.joined (List.map reason gaps)}."

/// The best epoch is optimistic unless a hold-out split selected it.
let private bestEpochSelection (options: TableOptions) (heldOut: float option list) =
    let inPercent (share: float) = (100.0 * share).ToString("G4", CultureInfo.InvariantCulture) + " %"
    let shares = heldOut |> List.choose id |> List.map inPercent
    let extreme = if options.Accuracy then "highest accuracy" else "lowest error"
    let measure = TableText.measure options
    let onValidation = $"the {extreme} of all epochs, selected on the same validation set and therefore optimistic."

    let onHoldOut =
        $"the {measure} at the epoch selected on images held out of the training set ({TableText.joined shares}); the validation set was not used for the selection."

    match shares, List.contains None heldOut with
    | [], _ -> $"`best top-1` is {onValidation}"
    | _, false -> $"`best top-1` is {onHoldOut}"
    | _, true -> $"For runs with held-out images, `best top-1` is {onHoldOut} For all others it is {onValidation}"

let private models (layout: TableLayout) =
    match layout.Teachers |> List.map _.Model |> List.distinct with
    | [] -> $"student {layout.Student}"
    | teachers -> $"teacher {TableText.joined teachers}, student {layout.Student}"

let private trainedOn (layout: TableLayout) =
    let epochsWord = if layout.Epochs = [ 1 ] then "epoch" else "epochs"
    let seedsWord = if layout.Seeds.Length = 1 then "seed" else "seeds"
    $"Trained on {layout.Dataset} ({models layout}) for {TableText.joined layout.Epochs} {epochsWord} with {seedsWord} {TableText.joined layout.Seeds}."

let private howMeasured (options: TableOptions) (layout: TableLayout) =
    let measure = if options.Accuracy then "Accuracies" else "Errors"

    let overSeeds =
        if layout.Seeds.Length > 1 then
            " (mean ± sample standard deviation over the seeds)"
        else
            ""

    $"{measure} are in percent on the validation set after the last epoch{overSeeds}."

/// The axes without a column, and what named axes set.
let private axes (results: Results) =
    [ match Results.constants results with
      | [] -> ()
      | constants -> $"Same in all rows that depend on it: {TableText.point constants}."
      for entry in results.Layout.Named do
          let paths = entry.Value |> List.map TableLayout.shortAxis |> MessageFormat.codes
          $"`{entry.Key}` sets {paths}." ]

let private cost (what: string) (cost: Cost) =
    let operations =
        cost.MultiplyAdds
        |> Option.map (fun count -> $", {TableText.count count} multiply-accumulates (MACs) per image")
        |> Option.defaultValue ""

    $"{what} {TableText.count cost.Parameters} parameters{operations}"

/// The costs of teacher and student if there is one of each; otherwise they are columns.
let private costs (results: Results) =
    let costsOf rows = rows |> List.choose (fun (row: ResultRow) -> row.Cost) |> List.distinct
    let teachers, students = results.Rows |> List.partition _.IsTeacher

    match costsOf teachers, costsOf students with
    | [ teacher ], [ student ] -> [ cost "Teacher:" teacher + "; " + cost "student:" student + "." ]
    | [], [ student ] -> [ cost "Student:" student + "." ]
    | _ -> []

let private times (results: Results) =
    if results.Rows |> List.exists (fun row -> row.Seconds.Mean.IsSome) then
        [ "`time` is the mean wall-clock time of a run; runs of the same cohort share it." ]
    else
        []

/// Rows whose network is larger than that of the others, or than that of the published number, are marked.
let private assisted (layout: TableLayout) =
    match layout.Rows |> List.filter _.Assisted with
    | [] -> []
    | rows ->
        let names = rows |> List.map _.Variant |> List.distinct
        let isOne = names.Length = 1

        let published =
            if rows |> List.exists _.Published.IsSome then
                " The published number is for a single network divided into two parts."
            else
                ""

        [ $"""{TableText.larger} {TableText.joined names}: residual knowledge distillation (arXiv 2002.09168), not relational knowledge distillation. """
          + $"""{(if isOne then "Its model combines" else "Their models combine")} two students, with """
          + $"twice the parameters and cost of the other rows.{published}" ]

/// With a fixed number of views, all rows have seen fewer augmented images than without a cache.
let private caches (layout: TableLayout) =
    let note (cache: TeacherCache) =
        match cache.Views with
        | None -> "computed once for each training image"
        | Some views -> $"computed once for each of {views} fixed augmented views of each training image"

    match List.choose id layout.Caches with
    | [] -> []
    | cached ->
        let where = if List.contains None layout.Caches then " of some runs" else ""
        let notes = cached |> List.map note |> String.concat "; or "
        [ $"Teacher outputs{where} were cached (`teacher.cache`): {notes}." ]

/// Results in a lower precision are not comparable.
let private precisions (layout: TableLayout) =
    if List.contains Precision.BFloat16 layout.Precisions then
        let where = if layout.Precisions.Length > 1 then " of some runs" else ""
        [ $"Convolutions and linear layers{where} were computed in bfloat16 (`train.precision`), everything else in float32." ]
    else
        []

/// How differences and p-values are computed.
let test =
    $"Differences are in percentage points (mean ± sample standard deviation over the common seeds). p-values are from a two-sided paired t-test with at least {Difference.fewestSeeds} seeds, not corrected for multiple comparisons."

let private differences (options: TableOptions) =
    [ for column in options.Differences do
          match column with
          | DifferenceColumn.Interval -> "95 % CI: confidence interval of the mean difference (Student's t over the common seeds)."
          | DifferenceColumn.Welch -> "Welch: p-value of a two-sided Welch's t-test, which does not pair the seeds."
          | DifferenceColumn.Holm -> "Holm: p-value of the paired t-test with Holm's correction for the comparisons in this table." ]

let private selection (layout: TableLayout) =
    let trained = layout.Rows |> List.filter (fun row -> not row.Folders.IsEmpty)

    Selection.warning layout.HoldOut [ for row in trained -> row.Variant, TableLayout.withPaths layout.Named row.Axes ]
    |> Option.toList

/// Why rows have no difference: no row of the baseline is at their point, or several are.
let private withoutPartner (baseline: Baseline) (results: Results) =
    let own = Sheets.baselineRows baseline results
    let isOther (row: ResultRow) = row.IsTrained && not (own |> List.exists (fun other -> obj.ReferenceEquals(other, row)))
    let counts = results.Rows |> List.filter isOther |> List.map (fun row -> (Sheets.partners baseline results row).Length)

    let oneRow () =
        let row = own.Head
        $"""To compare all with one row: --baseline '{({ Variant = row.Variant; Point = row.Axes }: Baseline)}'."""

    [ if not own.IsEmpty && own |> List.forall _.Top1Error.Values.IsEmpty then
          $"{baseline} has no completed run, so there are no differences."
      elif counts |> List.exists (fun count -> count > 1) then
          let axes = own |> List.collect _.Axes |> List.map (fst >> TableLayout.shortAxis) |> List.distinct
          $"Rows without a difference match several rows of {baseline}, which differ in {TableText.joined axes}. {oneRow ()}"
      elif own.Length > 0 && List.contains 0 counts then
          $"No row of {baseline} is at the grid point of the rows without a difference. {oneRow ()}" ]

/// Source and protocol of the published numbers. If they differ between rows, the rows of the smaller groups are named.
let private published (layout: TableLayout) =
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
    | (origin, _) :: others ->
        $"Published numbers: {origin}."
        :: [ for origin, names in others -> $"Published numbers for {TableText.joined names}: {origin}." ]

/// Runs of other experiments, whose folders are `../EXPERIMENT/RUN`.
let private shared (results: Results) =
    let gaps =
        set
            [ for row in results.Rows do
                  for _, gaps in row.Gaps do
                      for gap in gaps -> gap.Folder ]

    [ for row in results.Layout.Rows do
          for folder in row.Folders do
              match folder.Split '/' with
              | [| ".."; experiment; _ |] when not (gaps.Contains folder) -> experiment, (folder, row.Variant)
              | _ -> () ]
    |> List.groupBy fst
    |> List.map (fun (experiment, runs) ->
        let folders, variants = runs |> List.map snd |> List.unzip
        let isOne = List.distinct folders |> List.length = 1
        let runs = MessageFormat.count (List.distinct folders).Length "run"
        $"""{runs} ({TableText.joined (List.distinct variants)}) {(if isOne then "is" else "are")} from the experiment {experiment}.""")

/// Missing, failed and shared runs, and the provenance of the numbers.
let origins (results: Results) : string list =
    List.choose (gap (Results.point results)) results.Rows
    @ shared results
    @ Provenance.lines results.Provenance
    @ (results.Layout.Command |> Option.map (fun command -> $"Command: `{command}`") |> Option.toList)

let lines (options: TableOptions) (results: Results) : string list =
    let layout = results.Layout

    [ trainedOn layout
      howMeasured options layout
      + (if options.Pivot.IsSome then
             ""
         else
             " " + bestEpochSelection options layout.HoldOut)
      yield! axes results
      yield! selection layout
      yield! assisted layout
      yield! caches layout
      yield! precisions layout
      for baseline in Option.toList options.Baseline do
          test
          yield! differences options
          yield! withoutPartner baseline results
      if options.Deployment.IsNone then
          yield! costs results
      yield! options.Deployment |> Option.map Deployed.caption |> Option.toList
      if options.Pivot.IsNone then
          yield! times results
          yield! published layout
      yield! origins results ]
