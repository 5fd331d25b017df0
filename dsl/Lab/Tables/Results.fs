namespace ChannelDistillation.Lab.Tables

open ChannelDistillation.Runs
open ChannelDistillation.Dsl

/// How far a row is.
type RowStatus =
    /// Every seed is trained.
    | Completed
    /// Some seeds are; the numbers are theirs.
    | Partial
    /// No seed is, and at least one was stopped on the way.
    | Interrupted
    /// No seed is: the loss became infinite or no number.
    | Diverged
    /// No seed is: something went wrong, see the run's result.json.
    | Failed
    /// Nothing is there yet.
    | Missing
    /// A row of the literature: nothing of it is trained here.
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

/// What the folder of a run says.
type RunRecord =
    {
        /// None: the run has not ended.
        Result: RunResult option
        /// Wall-clock time of its training, in the company that it had; None: not known.
        Seconds: float option
    }

    static member Nothing = { Result = None; Seconds = None }

/// A row of the table; errors are percentages on the official validation set. Only completed runs count.
type ResultRow =
    {
        Variant: string
        Axes: (string * string) list
        /// Runs that the row should have.
        Planned: int
        /// Of the completed runs, in the order of the values below; none where they are not known.
        Seeds: int64 list
        /// After the last epoch.
        Top1Error: Statistic
        Top5Error: Statistic
        /// Of the epoch with the lowest top-1 error of each run, on the part held out where there is one.
        BestTop1Error: Statistic
        BestTop5Error: Statistic
        Seconds: Statistic
        Cost: Cost option
        Published: PublishedRow option
        /// Whether its network is larger than those of the other rows: two students.
        Assisted: bool
        Status: RowStatus
        /// Runs that did not complete, by how they ended: their folders' names.
        Gaps: (RowStatus * string list) list
    }

    member this.IsTeacher = this.Variant = "teacher"

    /// Trained here.
    member this.IsTrained = this.Status <> PublishedOnly && not this.IsTeacher

    /// Whether all its seeds are completed.
    member this.IsComplete = this.Status = Completed

type Results = { Layout: Layout; Rows: ResultRow list; Provenance: Provenance }

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

    /// How a run stands.
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

    let private ofRow (recordOf: string -> RunRecord) (row: LayoutRow) =
        let records = row.Folders |> List.map recordOf
        let statuses = records |> List.map statusOfRun
        let isCompleted = statuses |> List.map ((=) Completed)
        let ofCompleted values = List.zip isCompleted values |> List.filter fst |> List.map snd
        let completed = ofCompleted records

        // What was held out chose the epoch; its errors are not the ones to report.
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
                      [ for folder, own in List.zip row.Folders statuses do
                            if own = status then
                                folder ]
                  with
                  | [] -> ()
                  | folders -> status, folders ] }

    /// Teacher first, then the variants in the experiment's order.
    let collect (recordOf: string -> RunRecord) (provenance: Provenance) (layout: Layout) =
        { Layout = layout
          Rows = List.map ofTeacher layout.Teachers @ List.map (ofRow recordOf) layout.Rows
          Provenance = provenance }
