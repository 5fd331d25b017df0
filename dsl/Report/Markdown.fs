/// results.md: a table that can be pasted into a paper's draft, and what one must know to read it.
module ChannelDistillation.Dsl.Report.Markdown

open System
open System.Globalization

let private percent (value: float) = value.ToString("F2", CultureInfo.InvariantCulture)

let private cell (statistic: Statistic) =
    match statistic.Mean, statistic.Std with
    | Some mean, Some std -> $"{percent mean} ± {percent std}"
    | Some mean, None -> percent mean
    | None, _ -> "–"

/// `losses.cd.weight` is clear enough as `cd.weight`.
let private shortAxis (path: string) =
    [ "losses."; "train." ]
    |> List.tryFind path.StartsWith
    |> Option.map (fun prefix -> path.Substring prefix.Length)
    |> Option.defaultValue path

/// Where no published row has a top-5 error, the column is of top-1 errors alone.
let private publishedColumn (results: Results) : (string * (ResultRow -> string)) option =
    let one value = value |> Option.map percent |> Option.defaultValue "–"
    let column heading show = Some(heading, (fun (row: ResultRow) -> row.Published |> Option.map show |> Option.defaultValue ""))

    match results.Rows |> List.choose _.Published with
    | [] -> None
    | rows when rows |> List.forall _.Top5Error.IsNone -> column "published top-1" (fun row -> one row.Top1Error)
    | _ -> column "published top-1 / top-5" (fun row -> $"{one row.Top1Error} / {one row.Top5Error}")

let private seedsCell (row: ResultRow) =
    let trained = row.Top1Error.Values.Length

    match row.Status with
    | Completed -> string trained
    | Partial -> $"{trained} of {row.Planned}"
    | status -> string status

type private Column = { Heading: string; Left: bool; Cell: ResultRow -> string }

let private columns (results: Results) =
    let left heading cell = { Heading = heading; Left = true; Cell = cell }
    let right heading cell = { Heading = heading; Left = false; Cell = cell }

    [ left "variant" _.Variant
      for axis in Csv.axesOf results do
          right (shortAxis axis) (fun row -> Csv.valueOf axis row |> Option.defaultValue "")
      right "top-1 error" (fun row -> cell row.Top1Error)
      right "top-5 error" (fun row -> cell row.Top5Error)
      right "best top-1" (fun row -> if row.Variant = "teacher" then "" else cell row.BestTop1Error)
      right "seeds" (fun row -> if row.Variant = "teacher" && row.Status = Completed then "" else seedsCell row)
      for heading, cell in Option.toList (publishedColumn results) do
          right heading cell ]

/// The table alone.
let table (results: Results) =
    let columns = columns results
    let rows = results.Rows |> List.map (fun row -> columns |> List.map (fun column -> column.Cell(row).Replace("|", "\\|")))

    let widths =
        columns
        |> List.mapi (fun i column -> List.max (3 :: column.Heading.Length :: (rows |> List.map (fun row -> row[i].Length))))

    let pad column width (text: string) = if column.Left then text.PadRight width else text.PadLeft width
    let line cells = "| " + String.Join(" | ", List.map3 pad columns widths cells) + " |\n"

    let rule =
        List.map2 (fun column width -> if column.Left then String('-', width + 2) else String('-', width + 1) + ":") columns widths

    line (columns |> List.map _.Heading) + "|" + String.Join("|", rule) + "|\n" + String.Join("", rows |> List.map line)

/// Why a row has fewer seeds than it should have, where its cell does not say all of it.
let private gap (row: ResultRow) =
    let name = String.Join(", ", row.Variant :: [ for axis, value in row.Axes -> $"{shortAxis axis} {value}" ])

    let reason (status: RowStatus, folders: string list) =
        match status with
        | Missing -> $"{folders.Length} not trained yet"
        | status -> $"""{folders.Length} {status} ({String.Join(", ", folders)})"""

    match row.Gaps with
    | [] -> None
    | [ status, _ ] when status = row.Status -> None
    | gaps -> Some $"""{name}: {row.Top1Error.Values.Length} of {row.Planned} seeds; {String.Join(", ", List.map reason gaps)}."""

let private joined values = String.Join(", ", values |> Seq.map string)

/// The lowest error of many epochs flatters, unless other images chose the epoch.
let private howBestIsPicked (heldOut: float option list) =
    let inPercent (share: float) = (100.0 * share).ToString("G4", CultureInfo.InvariantCulture) + " %"
    let shares = heldOut |> List.choose id |> List.map inPercent
    let onValidation = "the lowest of all epochs, picked on the same validation set, and therefore optimistic."

    let onHeldOut =
        $"that of the epoch which was best on images held out of the training set ({joined shares}); the validation set had no part in the choice."

    match shares, List.contains None heldOut with
    | [], _ -> $"`best top-1` is {onValidation}"
    | _, false -> $"`best top-1` is {onHeldOut}"
    | _, true -> $"Where images are held out, `best top-1` is {onHeldOut} Elsewhere it is {onValidation}"

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

        [ $"""{joined names}: residual knowledge distillation (arXiv 2002.09168), not the relational one. """
          + $"""{(if isOne then "Its network is" else "Their networks are")} two students that answer together, """
          + $"twice the parameters and the cost of the other rows.{published}" ]

/// What was trained on what, and how the numbers are to be read.
let caption (results: Results) =
    let layout = results.Layout
    let teachers = layout.Teachers |> List.map _.Model |> List.distinct

    let models =
        if teachers.IsEmpty then
            layout.Student
        else
            $"{joined teachers} → {layout.Student}"

    let seeds = List.length layout.Seeds
    let epochsWord = if layout.Epochs = [ 1 ] then "epoch" else "epochs"
    let seedsWord = if seeds = 1 then "seed" else "seeds"

    [ $"{layout.Dataset}, {models}, {joined layout.Epochs} {epochsWord}, {seedsWord} {joined layout.Seeds}."
      "Errors in percent on the validation set after the last epoch"
      + (if seeds > 1 then ", mean ± sample standard deviation over the seeds." else ".")
      + " "
      + howBestIsPicked layout.HeldOut
      yield! assisted layout
      yield! List.choose gap results.Rows
      for source in Option.toList layout.PublishedSource do
          $"Published: {source}."
      for line in results.TrainedWith do
          $"Trained with {line}." ]

let render (results: Results) =
    let layout = results.Layout

    let about =
        if String.IsNullOrWhiteSpace layout.Description then
            ""
        else
            layout.Description.Trim() + "\n\n"

    $"# {layout.Experiment}\n\n{about}{table results}\n" + String.Join("\n", caption results) + "\n"
