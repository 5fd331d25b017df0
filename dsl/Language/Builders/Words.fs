namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// The lines of an experiment.
[<AutoOpen>]
module ExperimentWords =
    /// One line for tables and reports.
    let description (text: string) : Line = Line.change (fun experiment -> { experiment with Description = text }) |> Line.say "description"

    /// Declares losses and their settings.
    let losses (losses: Term list) : Line = Line.change (fun (experiment: Experiment) -> { experiment with Losses = losses }) |> Line.say "losses"

    /// A row of the table: a name, and declared losses with the settings that differ.
    let variant (name: string) (losses: Term list) : Line =
        Line.change (fun experiment -> { experiment with Variants = experiment.Variants @ [ { Name = name; Losses = losses; Edt = None } ] })
        |> Line.add "variants"

    /// Gives a row a preset of loss schedules, Early Decay Teacher: `variant "cd+edt" [ ce; cd ] |> edt cifar`.
    let edt (preset: EdtPreset) (variant: Line) : Line =
        Line(fun draft ->
            let changed = Line.apply variant draft
            let before = draft.Experiment.Variants.Length

            let variants =
                changed.Experiment.Variants
                |> List.mapi (fun index variant -> if index < before then variant else { variant with Edt = Some preset })

            { changed with Experiment = { changed.Experiment with Variants = variants } })

    /// Trains every row once per seed.
    let seeds (seeds: int64 list) : Line = Line.change (fun experiment -> { experiment with Seeds = seeds }) |> Line.say "seeds"

    /// Minutes between checkpoints within an epoch.
    let checkpoint_minutes (minutes: float) : Line =
        Line.change (fun experiment -> { experiment with CheckpointMinutes = minutes }) |> Line.say "checkpoint_minutes"

    /// Resources for `sweep --launcher slurm`: `slurm (fun settings -> { settings with Partition = Some "gpu"; Time = Some "04:00:00" })`.
    let slurm (settings: SlurmSettings -> SlurmSettings) : Line =
        Line.change (fun experiment -> { experiment with Slurm = Some(settings SlurmCodec.empty) }) |> Line.say "slurm"

    /// Axes that vary together.
    let zip (axes: Axis list) : Line = Line.changeGrid (fun grid -> { grid with Zip = grid.Zip @ [ axes ] })

    /// Points to leave out, for the named variants or, without names, for all.
    let exclude (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Exclude = grid.Exclude @ [ { Variants = variants; Values = values } ] })

    /// A point to add, for the named variants or, without names, for all.
    let grid_include (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Include = grid.Include @ [ { Variants = variants; Values = values } ] })

    /// Published top-1 and top-5 error, in percent.
    let errors (name: string) (top1_error: float) (top5_error: float) : string * PublishedRow =
        name, { PublishedRow.empty with Top1Error = Some top1_error; Top5Error = Some top5_error }

    /// Published top-1 error without top-5 error, in percent.
    let top1_error (name: string) (top1: float) : string * PublishedRow = name, { PublishedRow.empty with Top1Error = Some top1 }

    /// Source and protocol of the numbers of this name, at all points.
    let numbers_of (name: string) (source: string) (protocol: string) : string * PublishedRow =
        name, { PublishedRow.empty with Source = Some source; Protocol = Some protocol }

    /// Sets the source of the numbers of a row.
    let source (source: string) (name: string, row: PublishedRow) : string * PublishedRow = name, { row with Source = Some source }

    /// Sets how the numbers of a row were measured.
    let protocol (protocol: string) (name: string, row: PublishedRow) : string * PublishedRow = name, { row with Protocol = Some protocol }

    let private publish change =
        Line.change (fun experiment -> { experiment with Published = Some(experiment.Published |> Option.defaultValue Published.empty |> change) })

    /// Published numbers and their source.
    let published (source: string) (rows: (string * PublishedRow) list) : Line =
        publish (fun published -> { published with Source = Some source; Rows = rows }) |> Line.say "published"

    /// How published numbers without their own protocol were measured.
    let published_protocol (protocol: string) : Line = publish (fun published -> { published with Protocol = Some protocol })

    /// Published numbers for the rows with these values.
    let published_at (at: (string * Setting) list) (rows: (string * PublishedRow) list) : Line =
        publish (fun published -> { published with Points = published.Points @ [ { At = at; Source = None; Protocol = None; Rows = rows } ] })
