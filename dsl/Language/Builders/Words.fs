namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// The lines of an experiment.
[<AutoOpen>]
module ExperimentWords =
    /// One line for tables and reports.
    let description (text: string) : Line = Line.change (fun experiment -> { experiment with Description = text }) |> Line.say "description"

    /// The dataset: an image folder, or a known dataset with settings.
    let images (dataset: Dataset) : Line = Line.change (fun experiment -> { experiment with Dataset = dataset }) |> Line.say "dataset"

    /// A known dataset, by name.
    let dataset (name: string) : Line = images (named name)

    /// The frozen network that students learn from, or `no_teacher`.
    let teacher (teacher: TeacherDraft) : Line = Line(fun draft -> { draft with Teacher = teacher }) |> Line.say "teacher"

    /// The network that is trained: one with a stem, or from Python.
    let student_network (model: Model) : Line = Line.change (fun experiment -> { experiment with Student = model }) |> Line.say "student"

    /// The network that is trained, by name.
    let student (name: string) : Line = student_network (network name)

    /// Training settings of the students.
    let train (recipe: Recipe list) : Line =
        let recipe = (Silent.train, recipe) ||> List.fold (fun train step -> step train)
        Line.change (fun experiment -> { experiment with Train = recipe }) |> Line.say "train"

    /// Declares losses and their settings.
    let losses (losses: Term list) : Line = Line.change (fun (experiment: Experiment) -> { experiment with Losses = losses }) |> Line.say "losses"

    let private row name losses edt : Line =
        Line.change (fun experiment -> { experiment with Variants = experiment.Variants @ [ { Name = name; Losses = losses; Edt = edt } ] })
        |> Line.add "variants"

    /// A row of the table: a name, and declared losses with the settings that differ.
    let variant (name: string) (losses: Term list) : Line = row name losses None

    /// A row of the table with a preset of loss schedules: Early Decay Teacher.
    let variant_with_edt (name: string) (preset: EdtPreset) (losses: Term list) : Line = row name losses (Some preset)

    /// Trains every row once per seed.
    let seeds (seeds: int64 list) : Line = Line.change (fun experiment -> { experiment with Seeds = seeds }) |> Line.say "seeds"

    /// Minutes between checkpoints within an epoch.
    let checkpoint_minutes (minutes: float) : Line =
        Line.change (fun experiment -> { experiment with CheckpointMinutes = minutes }) |> Line.say "checkpoint_minutes"

    /// Resources for `sweep --launcher slurm`: `slurm (fun settings -> { settings with Partition = Some "gpu"; Time = Some "04:00:00" })`.
    let slurm (settings: SlurmSettings -> SlurmSettings) : Line =
        Line.change (fun experiment -> { experiment with Slurm = Some(settings SlurmCodec.empty) }) |> Line.say "slurm"

    /// An axis that is combined with all others.
    let product (path: string) (values: Setting list) : Line =
        Line.changeGrid (fun grid -> { grid with Product = grid.Product @ [ axis path values ] })

    /// A named axis that is combined with all others: it sets several paths to the same value.
    let product_of (name: string) (paths: string list) (values: Setting list) : Line =
        Line.changeGrid (fun grid -> { grid with Product = grid.Product @ [ named_axis name paths values ] })

    /// Axes that vary together.
    let zip (axes: Axis list) : Line = Line.changeGrid (fun grid -> { grid with Zip = grid.Zip @ [ axes ] })

    /// Points to leave out, for the named variants or, without names, for all.
    let exclude (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Exclude = grid.Exclude @ [ { Variants = variants; Values = values } ] })

    /// A point to add, for the named variants or, without names, for all.
    let include_point (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Include = grid.Include @ [ { Variants = variants; Values = values } ] })

    /// Published top-1 and top-5 error, in percent.
    let errors (name: string) (top1: float) (top5: float) : string * PublishedRow =
        name, { PublishedRow.empty with Top1Error = Some top1; Top5Error = Some top5 }

    /// Published top-1 error without top-5 error, in percent.
    let top1_error (name: string) (top1: float) : string * PublishedRow = name, { PublishedRow.empty with Top1Error = Some top1 }

    /// Source and protocol of the numbers of this name, at all points.
    let numbers_of (name: string) (source: string) (protocol: string) : string * PublishedRow =
        name, { PublishedRow.empty with Source = Some source; Protocol = Some protocol }

    /// Sets how the numbers of a row were measured.
    let measured (protocol: string) (name: string, row: PublishedRow) : string * PublishedRow = name, { row with Protocol = Some protocol }

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
