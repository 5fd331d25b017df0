/// Experiments in F#: the same values as from YAML, for what YAML cannot compute.
///
///     open ChannelDistillation.Dsl.Builders
///
///     experiment "example" {
///         dataset "fashion-mnist"
///         teacher (trained "resnet20" [ epochs 30 ])
///         student "resnet8"
///         train [ epochs 30; batch 128; sgd 0.1 [ momentum 0.9 ]; cosine ]
///         losses [ ce; kd |> temperature 4; cd ]
///         variant "student" [ ce ]
///         variant "kd" [ ce; kd ]
///         seeds [ 0; 1; 2 ]
///     }
///     |> emit
module ChannelDistillation.Dsl.Builders

open System
open System.IO
open ChannelDistillation.Models
open ChannelDistillation.Specs

// ---- How something is trained ----------------------------------------------------------------------------------------

/// A step towards a recipe.
type Recipe = Train -> Train

/// Passes over the training images.
let epochs (count: int) : Recipe = fun train -> { train with Epochs = count }

/// Images per step.
let batch (size: int) : Recipe = fun train -> { train with Batch = size }

/// Stochastic gradient descent with a learning rate, and perhaps momentum and weight decay.
let sgd (learningRate: float) (settings: (Sgd -> Sgd) list) : Recipe =
    let plain = { LearningRate = learningRate; Momentum = 0.0; WeightDecay = 0.0; Nesterov = false }

    let settled = (plain, settings) ||> List.fold (fun sgd setting -> setting sgd)
    fun train -> { train with Optimizer = settled }

/// Momentum, from 0 to less than 1.
let momentum (value: float) (sgd: Sgd) = { sgd with Momentum = value }

/// Weight decay (L2).
let weight_decay (value: float) (sgd: Sgd) = { sgd with WeightDecay = value }

/// Nesterov's momentum.
let nesterov (sgd: Sgd) = { sgd with Nesterov = true }

let private shaped shape : Recipe = fun train -> { train with Train.Schedule = { train.Schedule with Shape = shape } }

/// The same learning rate throughout.
let constant: Recipe = shaped Constant

/// The learning rate times a factor after each of some epochs.
let step (at: int list) (factor: float) : Recipe = shaped (Step(at, factor))

/// The learning rate along half a cosine down to 0.
let cosine: Recipe = shaped (Cosine 0.0)

/// The learning rate along half a cosine down to a factor.
let cosine_to (final: float) : Recipe = shaped (Cosine final)

/// The learning rate growing over the first epochs from a factor.
let warmup (epochs: int) (from: float) : Recipe =
    fun train -> { train with Train.Schedule = { train.Schedule with Warmup = Some { Epochs = epochs; From = from } } }

/// 16-bit floating point where the device has it.
let bfloat16: Recipe = fun train -> { train with Precision = Precision.BFloat16 }

/// The same order and variations of the images for all runs.
let data_seed (seed: int64) : Recipe = fun train -> { train with DataSeed = Some seed }

// ---- Networks and data -----------------------------------------------------------------------------------------------

/// A network by its name.
let network (name: string) : Model = { Name = name; Stem = None }

/// With a certain stem.
let with_stem (stem: Stem) (model: Model) : Model = { model with Stem = Some stem }

/// A teacher, given the recipe of the students.
type TeacherDraft = Train -> Teacher option

/// No teacher: for experiments without distillation.
let no_teacher: TeacherDraft = fun _ -> None

let private teacherOf source (name: string) : TeacherDraft =
    fun train -> Some { Model = network name; Source = source train; BatchNorm = TeacherBatchNorm.RunningStats }

/// A teacher from a file of weights.
let pretrained (model: string) (checkpoint: string) : TeacherDraft = teacherOf (fun _ -> Checkpoint checkpoint) model

/// A teacher that is trained first, as the students are but for what is said here.
let trained (model: string) (recipe: Recipe list) : TeacherDraft =
    teacherOf (fun train -> Trained((train, recipe) ||> List.fold (fun train step -> step train), 0L)) model

let private refine change (draft: TeacherDraft) : TeacherDraft = fun train -> draft train |> Option.map change

/// Initialisation and data order of a teacher that is trained.
let with_seed (seed: int64) : TeacherDraft -> TeacherDraft =
    refine (fun teacher ->
        match teacher.Source with
        | Trained(recipe, _) -> { teacher with Source = Trained(recipe, seed) }
        | Checkpoint _ -> teacher)

/// Batch normalisation of the teacher by the statistics of each batch, as in the published code of Channel Distillation.
let with_batch_stats: TeacherDraft -> TeacherDraft =
    refine (fun teacher -> { teacher with BatchNorm = TeacherBatchNorm.BatchStats })

/// A known dataset with its own augmentation.
let named (name: string) : Dataset = DatasetCodec.ofSource (Named name)

/// A folder of images with `train` and `val`, each with a folder for each class.
let image_folder (folder: string) (classes: int) : Dataset = DatasetCodec.ofSource (ImageFolder(folder, classes))

/// Training images cropped out of a padded image, and mirrored by chance.
let augmented (pad: int) (mode: PaddingMode) (flip: bool) (dataset: Dataset) : Dataset =
    { dataset with Augment = { AugmentCodec.own with Pad = Some pad; Mode = Some mode; Flip = Some flip } }

/// Photographs: a random part of this share of the area and this ratio of width to height, scaled, and mirrored by chance.
let resized_crops (area: float * float) (aspect: float * float) (flip: bool) (dataset: Dataset) : Dataset =
    { dataset with
        Augment = { AugmentCodec.own with Flip = Some flip; ResizedCrop = Some(Some { Area = area; Aspect = aspect }) } }

/// A normalisation that the dataset is known with.
let normalized_as (name: string) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(KnownNormalization name) }

/// Mean and std of each channel, of pixel values scaled to 0..1.
let normalized (mean: float list) (std: float list) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(MeanAndStd(mean, std)) }

/// Holds a share of the training set out, to choose the best epoch on.
let held_out (share: float) (dataset: Dataset) : Dataset = { dataset with Validation = Some { Share = share; Seed = 0L } }

// ---- Losses ----------------------------------------------------------------------------------------------------------

/// A loss with what is said of it.
type Term = string * LossSettings

/// A loss by its name.
let loss (name: string) : Term = name, LossCodec.blank

/// Cross-entropy with the labels.
let ce = loss "ce"

/// Knowledge distillation.
let kd = loss "kd"

/// Guided knowledge distillation.
let gkd = loss "gkd"

/// Channel distillation.
let cd = loss "cd"

let private also change ((name, settings): Term) : Term = name, change settings

/// What the loss is multiplied by.
let weight (value: float) = also (fun settings -> { settings with Weight = Some value })

/// A numeric parameter of the loss.
let parameter (name: string) (value: float) = also (fun settings -> { settings with Parameters = settings.Parameters.Add(name, Number value) })

/// The parameter `temperature`.
let temperature (value: float) = parameter "temperature" value

/// The weight is 0 through this epoch.
let start_after (epoch: int) = also (fun settings -> { settings with StartAfter = Some epoch })

/// The weight grows over some epochs once it has started.
let grow_over (epochs: int) = also (fun settings -> { settings with LossSettings.Warmup = Some epochs })

let private decaying decay = also (fun settings -> { settings with Decay = Some decay })

/// No decay, where the declaration has one.
let no_decay: Term -> Term = decaying NoDecay

/// The weight times a factor from each of some epochs on.
let decay_step (at: int list) (factor: float) : Term -> Term = decaying (StepDecay(at, factor))

/// The weight times a factor at every so many epochs.
let decay_every (epochs: int) (factor: float) : Term -> Term = decaying (EveryDecay(epochs, factor))

/// The weight in a straight line to a factor of it.
let decay_linear (until: int) (final: float) : Term -> Term = decaying (LinearDecay(until, final))

/// The weight along half a cosine to a factor of it.
let decay_cosine (until: int) (final: float) : Term -> Term = decaying (CosineDecay(until, final))

/// Early Decay Teacher as on CIFAR.
let cifar = CifarEdt

/// Early Decay Teacher as on ImageNet.
let imagenet = ImageNetEdt

// ---- Grids -----------------------------------------------------------------------------------------------------------

/// A number as the value of an axis.
let number (value: float) = Scalar(Numbers.show value)

/// A word as the value of an axis.
let word (value: string) = Scalar value

/// Numbers as the values of an axis.
let numbers (values: float list) = List.map number values

/// Words as the values of an axis: names of models, for instance.
let words (values: string list) = List.map word values

/// Numbers in equal steps, the first and the last included.
let range (first: float) (last: float) (count: int) = GridCodec.spread false first last count |> numbers

/// Numbers in equal ratios, the first and the last included.
let log_range (first: float) (last: float) (count: int) = GridCodec.spread true first last count |> numbers

/// An axis: a path of the experiment and its values.
let axis (path: string) (values: Setting list) : Axis = { Path = path; Values = values }

/// A row of the literature: top-1 and top-5 error in percent.
let errors (name: string) (top1: float) (top5: float) : string * PublishedRow = name, { Top1Error = Some top1; Top5Error = Some top5 }

// ---- The experiment --------------------------------------------------------------------------------------------------

/// An experiment in the making: its teacher may need a recipe that comes later.
type Draft = { Experiment: Experiment; Teacher: TeacherDraft; Said: Set<string> }

/// What a script says: an experiment, and the paths that it should have set and did not.
type Described = { Experiment: Experiment; Unsaid: string list list }

let private change (change: Experiment -> Experiment) (draft: Draft) = { draft with Experiment = change draft.Experiment }

/// Sets what a key of the file would.
let private say key (set: Experiment -> Experiment) (draft: Draft) = { draft with Experiment = set draft.Experiment; Said = draft.Said.Add key }

let private changeGrid (change: Grid -> Grid) (draft: Draft) =
    { draft with Experiment = { draft.Experiment with Grid = change draft.Experiment.Grid } }

let private row name losses edt : Variant = { Name = name; Losses = losses; Edt = edt }

let private addVariant (variant: Variant) = say "variants" (fun experiment -> { experiment with Variants = experiment.Variants @ [ variant ] })

/// A recipe of which nothing is said: values that nobody writes stand where one is required.
let private silent =
    { TrainCodec.blank with
        Epochs = Int32.MinValue
        Batch = Int32.MinValue
        Optimizer = { TrainCodec.blank.Optimizer with LearningRate = nan } }

let private unsaidOf (train: Train) =
    [ if train.Epochs = silent.Epochs then
          "epochs"
      if train.Batch = silent.Batch then
          "batch"
      if Double.IsNaN train.Optimizer.LearningRate then
          "optimizer" ]

type ExperimentBuilder(name: string) =
    member _.Yield(()) : Draft =
        { Experiment = { ExperimentCodec.blank with Name = name; Train = silent; Seeds = [ 0L ] }
          Teacher = no_teacher
          Said = Set.empty }

    member _.Run(draft: Draft) : Described =
        let experiment = { draft.Experiment with Teacher = draft.Teacher draft.Experiment.Train }

        let sections =
            [ "dataset"; "student"; "train"; "teacher"; "losses"; "variants" ] |> List.filter (draft.Said.Contains >> not)

        { Experiment = experiment
          Unsaid =
            [ for section in sections do
                  yield [ section ]
              for key in unsaidOf experiment.Train do
                  yield [ "train"; key ]
              match experiment.Teacher with
              | Some { Source = Trained(recipe, _) } ->
                  for key in unsaidOf recipe do
                      yield [ "teacher"; "train"; key ]
              | _ -> () ] }

    /// One line about it.
    [<CustomOperation "description">]
    member _.Description(draft, text: string) = change (fun experiment -> { experiment with Description = text }) draft

    /// What is trained on, by name.
    [<CustomOperation "dataset">]
    member _.Dataset(draft, name: string) = say "dataset" (fun experiment -> { experiment with Dataset = named name }) draft

    /// What is trained on: a folder of images, or a known dataset with an augmentation of its own.
    [<CustomOperation "images">]
    member _.Images(draft, dataset: Dataset) = say "dataset" (fun experiment -> { experiment with Dataset = dataset }) draft

    /// The frozen network that students learn from, or `no_teacher`.
    [<CustomOperation "teacher">]
    member _.Teacher(draft: Draft, teacher: TeacherDraft) = { draft with Teacher = teacher } |> say "teacher" id

    /// The network that is trained, by name.
    [<CustomOperation "student">]
    member _.Student(draft, name: string) = say "student" (fun experiment -> { experiment with Student = network name }) draft

    /// The network that is trained, with a certain stem.
    [<CustomOperation "student_network">]
    member _.StudentNetwork(draft, model: Model) = say "student" (fun experiment -> { experiment with Student = model }) draft

    /// How students are trained.
    [<CustomOperation "train">]
    member _.Train(draft, recipe: Recipe list) =
        say "train" (fun experiment -> { experiment with Train = (silent, recipe) ||> List.fold (fun train step -> step train) }) draft

    /// The losses of the experiment and their settings.
    [<CustomOperation "losses">]
    member _.Losses(draft, losses: Term list) = say "losses" (fun (experiment: Experiment) -> { experiment with Losses = losses }) draft

    /// A row of the table: a name, and losses with what differs in it.
    [<CustomOperation "variant">]
    member _.Variant(draft, name: string, losses: Term list) = addVariant (row name losses None) draft

    /// A row of the table with a preset of loss schedules: Early Decay Teacher.
    [<CustomOperation "variant_with_edt">]
    member _.VariantWithEdt(draft, name: string, preset: EdtPreset, losses: Term list) = addVariant (row name losses (Some preset)) draft

    /// Many rows at once, for instance out of a loop: names and losses.
    [<CustomOperation "variants">]
    member _.Variants(draft: Draft, rows: (string * Term list) list) =
        (say "variants" id draft, rows) ||> List.fold (fun draft (name, losses) -> addVariant (row name losses None) draft)

    /// One run of every row for each.
    [<CustomOperation "seeds">]
    member _.Seeds(draft, seeds: int64 list) = change (fun experiment -> { experiment with Seeds = seeds }) draft

    /// An axis that is combined with every other.
    [<CustomOperation "product">]
    member _.Product(draft, path: string, values: Setting list) =
        changeGrid (fun grid -> { grid with Product = grid.Product @ [ axis path values ] }) draft

    /// Axes whose values go together.
    [<CustomOperation "zip">]
    member _.Zip(draft, axes: Axis list) = changeGrid (fun grid -> { grid with Zip = grid.Zip @ [ axes ] }) draft

    /// Points to leave out, for some variants or (none named) all.
    [<CustomOperation "exclude">]
    member _.Exclude(draft, variants: string list, values: (string * Setting) list) =
        changeGrid (fun grid -> { grid with Exclude = grid.Exclude @ [ { Variants = variants; Values = values } ] }) draft

    /// A point to add, for some variants or (none named) all.
    [<CustomOperation "include_point">]
    member _.Include(draft, variants: string list, values: (string * Setting) list) =
        changeGrid (fun grid -> { grid with Include = grid.Include @ [ { Variants = variants; Values = values } ] }) draft

    /// Numbers of the literature, and where they are from.
    [<CustomOperation "published">]
    member _.Published(draft, source: string, rows: (string * PublishedRow) list) =
        change (fun experiment -> { experiment with Published = Some { Source = Some source; Rows = rows } }) draft

/// An experiment; its name is the name of the folder of its results.
let experiment (name: string) = ExperimentBuilder name

let rec private without (path: string list) (setting: Setting) =
    match path, setting with
    | [ key ], Entries entries -> Entries(entries |> List.filter (fun (name, _) -> name <> key))
    | key :: rest, Entries entries -> Entries [ for name, value in entries -> name, (if name = key then without rest value else value) ]
    | _ -> setting

/// An experiment as the YAML file that says the same; what the script left out is not in it, and missed by whoever reads it.
let yaml (described: Described) =
    (ExperimentCodec.codec.Write described.Experiment, described.Unsaid)
    ||> List.fold (fun setting path -> without path setting)
    |> Emit.document

/// Hands an experiment over to `sweep` or `plan`, whichever runs the script; a script that is run by itself prints its YAML.
let emit (described: Described) =
    match Environment.GetEnvironmentVariable Script.handOver with
    | null
    | "" -> printf "%s" (yaml described)
    | file -> File.WriteAllText(file, yaml described)
