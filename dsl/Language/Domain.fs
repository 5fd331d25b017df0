namespace ChannelDistillation.Dsl

open ChannelDistillation.Core
open ChannelDistillation.Specs

/// A network. Without a stem, the stem follows from the image size.
type Model =
    {
        /// Name in the catalog; for a network from Python, its file name.
        Name: string
        Stem: Stem option
        /// Path of the TorchScript archive of a network from Python. `{seed}` stands for the run's seed. Absolute after reading.
        Script: string option
    }

/// Linear warm-up of the learning rate.
type Warmup = { Epochs: int; From: float }

/// A learning-rate schedule without warm-up.
type LearningRateShape =
    | Constant
    | Step of at: int list * factor: float
    | Cosine of final: float

type LearningRate = { Shape: LearningRateShape; Warmup: Warmup option }

type Sgd = { LearningRate: float; Momentum: float; WeightDecay: float; Nesterov: bool }

/// Training settings.
type Train =
    { Epochs: int
      Batch: int
      Optimizer: Sgd
      Schedule: LearningRate
      Precision: Precision
      DataSeed: int64 option }

/// A random crop of an image: smallest and largest fraction of its area, and ratio of width to height.
type ResizedCrop = { Area: float * float; Aspect: float * float }

/// The augmentation of training images; None: the dataset's own.
type Augment =
    {
        Pad: int option
        Mode: PaddingMode option
        Flip: bool option
        /// Some None: no random crop.
        ResizedCrop: ResizedCrop option option
    }

/// Normalisation of pixel values: a named one of the dataset, or mean and standard deviation per channel.
type Normalize =
    | KnownNormalization of string
    | MeanAndStd of mean: float list * std: float list

/// The hold-out split: a fraction of each class of the training set, used for validation.
type HoldOut = { Share: float; Seed: int64 }

type DatasetSource =
    | Named of string
    | ImageFolder of folder: string * classes: int

/// A dataset with its settings; None: the dataset's own.
type Dataset = { Source: DatasetSource; Augment: Augment; Normalize: Normalize option; Validation: HoldOut option }

type TeacherSource =
    | Checkpoint of string
    /// A name in pretrain/teachers.yaml, which determines the network and the checkpoint.
    | Known of string
    /// The TorchScript file of its network.
    | TorchScript
    /// Training settings, with omitted ones inherited from the experiment's `train`.
    | Trained of Train * seed: int64

/// Caching of the teacher's outputs for training images on disk. `Views`: the number of augmented views of each image, which are then
/// all that students see; None: images are not augmented.
type TeacherCache = { Views: int option }

type Teacher = { Model: Model; Source: TeacherSource; BatchNorm: TeacherBatchNorm; Cache: TeacherCache option }

/// The decay of a loss weight over training.
type Decay =
    | NoDecay
    | StepDecay of at: int list * factor: float
    | EveryDecay of epochs: int * factor: float
    | LinearDecay of until: int * final: float
    | CosineDecay of until: int * final: float

type ParameterValue =
    | Number of float
    | Flag of bool
    | Word of string

/// The settings of a loss; None: the default of its descriptor.
type LossSettings =
    {
        /// Path of the TorchScript archive of a loss from Python; set only where the loss is declared. Absolute after reading.
        Script: string option
        Weight: float option
        StartAfter: int option
        StopAfter: int option
        Warmup: int option
        Decay: Decay option
        DecaysAtZero: bool option
        Parameters: Map<string, ParameterValue>
    }

/// Schedules of Early Decay Teacher, as in the paper's code.
type EdtPreset =
    | CifarEdt
    | ImageNetEdt

/// A row of the results: its losses, with the settings that differ from their declaration.
type Variant = { Name: string; Losses: (string * LossSettings) list; Edt: EdtPreset option }

/// A value of the file as plain data: scalars as text, numbers in their shortest form.
type Setting =
    | Scalar of string
    | Items of Setting list
    | Entries of (string * Setting) list

/// An axis of a grid. Its name is the path that it sets, or a name of the experiment's choice for all paths of a named axis.
type Axis =
    { Name: string
      Paths: string list
      Values: Setting list }

    /// Whether the experiment chose its name.
    member axis.IsNamed = axis.Paths <> [ axis.Name ]

/// Values on some axes, for the named variants; without names, for all.
type GridPoint = { Variants: string list; Values: (string * Setting) list }

type Grid =
    { Product: Axis list
      Zip: Axis list list
      Exclude: GridPoint list
      Include: GridPoint list }

    member grid.Axes = grid.Product @ List.concat grid.Zip

    /// The named axes, each with its paths.
    member grid.Named = Map [ for axis in grid.Axes |> List.filter _.IsNamed -> axis.Name, axis.Paths ]

/// Published numbers. A missing source or protocol is that of the same name in `published.rows`, of the point, or of the section, in this order.
type PublishedRow =
    {
        Top1Error: float option
        Top5Error: float option
        /// Source of the numbers.
        Source: string option
        /// How they were measured: epoch, runs, augmentation.
        Protocol: string option
    }

module PublishedRow =
    let empty = { Top1Error = None; Top5Error = None; Source = None; Protocol = None }

    /// Whether it only sets the source and protocol of its name elsewhere.
    let isWithoutNumbers (row: PublishedRow) = row.Top1Error.IsNone && row.Top5Error.IsNone

/// Published numbers for given values on given paths.
type PublishedPoint =
    { At: (string * Setting) list
      Source: string option
      Protocol: string option
      Rows: (string * PublishedRow) list }

/// Published numbers, shown beside the measured ones: by row name, and at points of the grid, which take precedence.
type Published =
    { Source: string option
      Protocol: string option
      Rows: (string * PublishedRow) list
      Points: PublishedPoint list }

module Published =
    let empty: Published = { Source = None; Protocol = None; Rows = []; Points = [] }

/// Resources of jobs on a Slurm cluster, in sbatch's formats; None: the cluster's default. Not part of a run's specification.
type SlurmSettings =
    {
        Partition: string option
        Account: string option
        Qos: string option
        Constraint: string option
        Time: string option
        Memory: string option
        Cpus: int option
        Gpus: string option
        /// Maximum number of array elements that run at the same time.
        Throttle: int option
        /// Seconds before the time limit at which runs save their state.
        SaveSeconds: int option
        /// How many times an element that ran out of time is requeued.
        Requeues: int option
        /// Additional sbatch options.
        Options: string list option
        /// Shell lines before the program.
        Setup: string list option
        /// Command prefix of the program, such as a container's.
        Wrapper: string option
    }

/// An experiment.
type Experiment =
    {
        Name: string
        Description: string
        Dataset: Dataset
        Teacher: Teacher option
        Student: Model
        Train: Train
        /// The declared losses, in order.
        Losses: (string * LossSettings) list
        Variants: Variant list
        Seeds: int64 list
        /// Minutes between checkpoints within an epoch. Not part of a run's specification.
        CheckpointMinutes: float
        /// Not part of a run's specification.
        Slurm: SlurmSettings option
        Grid: Grid
        Published: Published option
    }
