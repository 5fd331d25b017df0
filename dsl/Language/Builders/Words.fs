namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// The words of an experiment, one for each line.
[<AutoOpen>]
module ExperimentWords =
    /// One line about it.
    let description (text: string) : Line = Line.change (fun experiment -> { experiment with Description = text }) |> Line.say "description"

    /// What is trained on: a folder of images, or a known dataset with an augmentation of its own.
    let images (dataset: Dataset) : Line = Line.change (fun experiment -> { experiment with Dataset = dataset }) |> Line.say "dataset"

    /// What is trained on, by name.
    let dataset (name: string) : Line = images (named name)

    /// The frozen network that students learn from, or `no_teacher`.
    let teacher (teacher: TeacherDraft) : Line = Line(fun draft -> { draft with Teacher = teacher }) |> Line.say "teacher"

    /// The network that is trained, with a certain stem.
    let student_network (model: Model) : Line = Line.change (fun experiment -> { experiment with Student = model }) |> Line.say "student"

    /// The network that is trained, by name.
    let student (name: string) : Line = student_network (network name)

    /// How students are trained.
    let train (recipe: Recipe list) : Line =
        let recipe = (Silent.train, recipe) ||> List.fold (fun train step -> step train)
        Line.change (fun experiment -> { experiment with Train = recipe }) |> Line.say "train"

    /// The losses of the experiment and their settings.
    let losses (losses: Term list) : Line = Line.change (fun (experiment: Experiment) -> { experiment with Losses = losses }) |> Line.say "losses"

    let private row name losses edt : Line =
        Line.change (fun experiment -> { experiment with Variants = experiment.Variants @ [ { Name = name; Losses = losses; Edt = edt } ] })
        |> Line.add "variants"

    /// A row of the table: a name, and losses with what differs in it.
    let variant (name: string) (losses: Term list) : Line = row name losses None

    /// A row of the table with a preset of loss schedules: Early Decay Teacher.
    let variant_with_edt (name: string) (preset: EdtPreset) (losses: Term list) : Line = row name losses (Some preset)

    /// One run of every row for each.
    let seeds (seeds: int64 list) : Line = Line.change (fun experiment -> { experiment with Seeds = seeds }) |> Line.say "seeds"

    /// How often the state of every run is saved within long epochs.
    let checkpoint_minutes (minutes: float) : Line =
        Line.change (fun experiment -> { experiment with CheckpointMinutes = minutes }) |> Line.say "checkpoint_minutes"

    /// What `sweep --launcher slurm` asks of a cluster: `slurm (fun asked -> { asked with Partition = Some "gpu"; Time = Some "04:00:00" })`.
    let slurm (settings: SlurmSettings -> SlurmSettings) : Line =
        Line.change (fun experiment -> { experiment with Slurm = Some(settings SlurmCodec.empty) }) |> Line.say "slurm"

    /// An axis that is combined with every other.
    let product (path: string) (values: Setting list) : Line =
        Line.changeGrid (fun grid -> { grid with Product = grid.Product @ [ axis path values ] })

    /// Axes whose values go together.
    let zip (axes: Axis list) : Line = Line.changeGrid (fun grid -> { grid with Zip = grid.Zip @ [ axes ] })

    /// Points to leave out, for some variants or (none named) all.
    let exclude (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Exclude = grid.Exclude @ [ { Variants = variants; Values = values } ] })

    /// A point to add, for some variants or (none named) all.
    let include_point (variants: string list) (values: (string * Setting) list) : Line =
        Line.changeGrid (fun grid -> { grid with Include = grid.Include @ [ { Variants = variants; Values = values } ] })

    /// A row of the literature: top-1 and top-5 error in percent.
    let errors (name: string) (top1: float) (top5: float) : string * PublishedRow =
        name, { PublishedRow.empty with Top1Error = Some top1; Top5Error = Some top5 }

    /// A row of the literature that tells the top-1 error alone, in percent.
    let top1_error (name: string) (top1: float) : string * PublishedRow = name, { PublishedRow.empty with Top1Error = Some top1 }

    /// Where the numbers of this name come from and how they were measured; alone, of all points.
    let numbers_of (name: string) (source: string) (protocol: string) : string * PublishedRow =
        name, { PublishedRow.empty with Source = Some source; Protocol = Some protocol }

    /// How the numbers of a row were measured.
    let measured (protocol: string) (name: string, row: PublishedRow) : string * PublishedRow = name, { row with Protocol = Some protocol }

    let private publish change =
        Line.change (fun experiment -> { experiment with Published = Some(experiment.Published |> Option.defaultValue Published.empty |> change) })

    /// Numbers of the literature, and where they are from.
    let published (source: string) (rows: (string * PublishedRow) list) : Line =
        publish (fun published -> { published with Source = Some source; Rows = rows }) |> Line.say "published"

    /// How published numbers were measured that say nothing else of it.
    let published_protocol (protocol: string) : Line = publish (fun published -> { published with Protocol = Some protocol })

    /// Numbers of the literature for the rows that have these values.
    let published_at (at: (string * Setting) list) (rows: (string * PublishedRow) list) : Line =
        publish (fun published -> { published with Points = published.Points @ [ { At = at; Source = None; Protocol = None; Rows = rows } ] })
