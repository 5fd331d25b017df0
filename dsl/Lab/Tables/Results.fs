namespace ChannelDistillation.Lab.Tables

open ChannelDistillation.Runs
open ChannelDistillation.Dsl

/// The status of a row.
type RowStatus =
    /// All seeds are complete.
    | Completed
    /// Some seeds are complete; the numbers are of these.
    | Partial
    /// No seed is complete, and at least one was interrupted.
    | Interrupted
    /// No seed is complete, and at least one diverged: its loss became infinite or NaN.
    | Diverged
    /// No seed is complete, and at least one failed; its result.json has the reason.
    | Failed
    /// No seed has been trained.
    | Missing
    /// A row from the literature, which is not trained here.
    | PublishedOnly

    override this.ToString() =
        match this with
        | Completed -> "completed"
        | Partial -> "partial"
        | Interrupted -> "interrupted"
        | Diverged -> "diverged"
        | Failed -> "failed"
        | Missing -> "missing"
        | PublishedOnly -> "published"

/// A run without a result in the table. `Reason`: for a diverged run, the epoch, step and loss.
type Gap = { Folder: string; Reason: string option }

/// The record of a run in its folder.
type RunRecord =
    {
        /// None: the run has not ended.
        Result: RunResult option
        /// Wall-clock time of its training in its cohort. None: unknown.
        Seconds: float option
    }

    static member Nothing = { Result = None; Seconds = None }

/// A row of the table. Errors are in percent on the official validation set, of completed runs only.
type ResultRow =
    {
        Variant: string
        Axes: (string * string) list
        /// The number of planned runs.
        Planned: int
        /// Seeds of the completed runs, in the order of the values below. Empty if unknown.
        Seeds: int64 list
        /// After the last epoch.
        Top1Error: Statistic
        Top5Error: Statistic
        /// At the epoch with the lowest top-1 error of each run, on the hold-out split if there is one.
        BestTop1Error: Statistic
        BestTop5Error: Statistic
        Seconds: Statistic
        Cost: Cost option
        Published: PublishedRow option
        /// Whether the model is larger than those of the other rows (two students).
        Assisted: bool
        Status: RowStatus
        /// The incomplete runs, by status.
        Gaps: (RowStatus * Gap list) list
    }

    member this.IsTeacher = this.Variant = "teacher"

    /// Whether the row is trained here.
    member this.IsTrained = this.Status <> PublishedOnly && not this.IsTeacher

    /// Whether all seeds are complete.
    member this.IsComplete = this.Status = Completed

type Results = { Layout: TableLayout; Rows: ResultRow list; Provenance: Provenance }

module Results =
    let private statistic choose (errors: EpochErrors list) : Statistic = { Values = errors |> List.map choose }

    let private ofTeacher (teacher: TeacherRow) =
        let errors = Option.toList teacher.Errors

        { Variant = "teacher"
          Axes = teacher.Axes
          Planned = 1
          Seeds = []
          Top1Error = errors |> statistic _.Top1Error
          Top5Error = errors |> statistic _.Top5Error
          BestTop1Error = Statistic.Nothing
          BestTop5Error = Statistic.Nothing
          Seconds = Statistic.Nothing
          Cost = teacher.Cost
          Published = teacher.Published
          Assisted = false
          Status = if teacher.Errors.IsSome then Completed else Missing
          Gaps = [] }

    /// The status of a run.
    let statusOfRun (record: RunRecord) =
        match record.Result |> Option.map _.Status with
        | Some RunStatus.Completed -> Completed
        | Some RunStatus.Diverged -> Diverged
        | Some RunStatus.Failed -> Failed
        | Some _ -> Interrupted
        | None -> Missing

    let private statusOf (runs: RowStatus list) =
        let has status = List.contains status runs

        if runs.IsEmpty then
            PublishedOnly
        elif List.forall ((=) Completed) runs then
            Completed
        elif has Completed then
            Partial
        else
            [ Diverged; Failed; Interrupted ] |> List.tryFind has |> Option.defaultValue Missing

    /// The first sentence of a diverged run's message.
    let private reason (record: RunRecord) =
        match record.Result with
        | Some result when result.Status = RunStatus.Diverged ->
            Option.ofObj result.Message |> Option.map (fun message -> (message.Split(". ")[0]).TrimEnd('.'))
        | _ -> None

    let private ofRow (recordOf: string -> RunRecord) (row: LayoutRow) =
        let records = row.Folders |> List.map recordOf
        let statuses = records |> List.map statusOfRun
        let isCompleted = statuses |> List.map ((=) Completed)
        let ofCompleted values = List.zip isCompleted values |> List.filter fst |> List.map snd
        let completed = ofCompleted records

        // With a hold-out split, report the errors on the official validation set; the split only selects the epoch.
        let errors onTest onValidation =
            completed
            |> List.choose _.Result
            |> List.choose (fun (result: RunResult) ->
                Option.ofObj result.Test |> Option.map onTest |> Option.orElse (Option.ofObj (onValidation result)))

        let last = errors _.Last _.Last
        let best = errors _.Best _.Best

        { Variant = row.Variant
          Axes = row.Axes
          Planned = row.Folders.Length
          Seeds = if row.Seeds.Length = row.Folders.Length then ofCompleted row.Seeds else []
          Top1Error = last |> statistic _.Top1Error
          Top5Error = last |> statistic _.Top5Error
          BestTop1Error = best |> statistic _.Top1Error
          BestTop5Error = best |> statistic _.Top5Error
          Seconds = { Values = completed |> List.choose _.Seconds }
          Cost = row.Cost
          Published = row.Published
          Assisted = row.Assisted
          Status = statusOf statuses
          Gaps =
            [ for status in [ Diverged; Failed; Interrupted; Missing ] do
                  match
                      [ for folder, record, own in List.zip3 row.Folders records statuses do
                            if own = status then
                                { Folder = folder; Reason = reason record } ]
                  with
                  | [] -> ()
                  | gaps -> status, gaps ] }

    /// The axes that vary between the rows.
    let axes (results: Results) : string list = results.Rows |> Seq.map _.Axes |> TableLayout.varying

    /// The axes of a row that vary between the rows.
    let point (results: Results) : ResultRow -> (string * string) list =
        let axes = set (axes results)
        fun row -> row.Axes |> List.filter (fst >> axes.Contains)

    /// The axes with the same value in all rows that have them.
    let constants (results: Results) : (string * string) list =
        let axes = set (axes results)
        results.Rows |> List.collect _.Axes |> List.distinct |> List.filter (fst >> axes.Contains >> not)

    /// The rows: teachers first, then the variants in the experiment's order.
    let collect (recordOf: string -> RunRecord) (provenance: Provenance) (layout: TableLayout) =
        { Layout = layout
          Rows = List.map ofTeacher layout.Teachers @ List.map (ofRow recordOf) layout.Rows
          Provenance = provenance }
