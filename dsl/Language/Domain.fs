namespace ChannelDistillation.Dsl

open ChannelDistillation.Core
open ChannelDistillation.Specs

/// A network by name; without a stem it follows the size of the images.
type Model =
    {
        /// In the catalog; of a network from Python, the name of its file.
        Name: string
        Stem: Stem option
        /// The TorchScript archive of a network from Python, with its weights; `{seed}` in it is the seed of the run. Absolute once it has been read.
        Script: string option
    }

/// Linear growth of the learning rate over the first epochs.
type Warmup = { Epochs: int; From: float }

/// The learning rate over training, without its warm-up.
type LearningRateShape =
    | Constant
    | Step of at: int list * factor: float
    | Cosine of final: float

type LearningRate = { Shape: LearningRateShape; Warmup: Warmup option }

type Sgd = { LearningRate: float; Momentum: float; WeightDecay: float; Nesterov: bool }

/// How a network is trained.
type Train =
    { Epochs: int
      Batch: int
      Optimizer: Sgd
      Schedule: LearningRate
      Precision: Precision
      DataSeed: int64 option }

/// Smallest and largest share of the area, and ratio of width to height, of a random part of a photograph.
type ResizedCrop = { Area: float * float; Aspect: float * float }

/// How training images are varied; what is left out is the dataset's own.
type Augment =
    {
        Pad: int option
        Mode: PaddingMode option
        Flip: bool option
        /// Some None: photographs are not cropped by chance.
        ResizedCrop: ResizedCrop option option
    }

/// What pixel values are normalised with: a known normalisation of the dataset, or numbers, per channel.
type Normalize =
    | KnownNormalization of string
    | MeanAndStd of mean: float list * std: float list

/// A part of the training set that is kept for validation.
type HeldOut = { Share: float; Seed: int64 }

type DatasetSource =
    | Named of string
    | ImageFolder of folder: string * classes: int

/// What is left out is the dataset's own.
type Dataset = { Source: DatasetSource; Augment: Augment; Normalize: Normalize option; Validation: HeldOut option }

type TeacherSource =
    | Checkpoint of string
    /// A name of pretrain/teachers.yaml, which says its network and its checkpoint.
    | Known of string
    /// The file that its network is from.
    | TorchScript
    /// A recipe, everything that the experiment leaves out taken over from its own `train`.
    | Trained of Train * seed: int64

/// What a teacher says of training images, kept on the disk: of each image as it is, or of so many views of it, which are then all that
/// students see of it.
type TeacherCache = { Views: int option }

type Teacher = { Model: Model; Source: TeacherSource; BatchNorm: TeacherBatchNorm; Cache: TeacherCache option }

/// How the weight of a loss falls over training.
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

/// What an experiment says of a loss; what it leaves out follows from the loss's descriptor.
type LossSettings =
    {
        /// The TorchScript archive of a loss from Python; only where the loss is declared. Absolute once it has been read.
        Script: string option
        Weight: float option
        StartAfter: int option
        StopAfter: int option
        Warmup: int option
        Decay: Decay option
        DecaysAtZero: bool option
        Parameters: Map<string, ParameterValue>
    }

/// The schedules of Early Decay Teacher as in the paper's code.
type EdtPreset =
    | CifarEdt
    | ImageNetEdt

/// A row of the results: the losses it trains with, and what differs from their declaration.
type Variant = { Name: string; Losses: (string * LossSettings) list; Edt: EdtPreset option }

/// A value of the file as plain data; scalars as text, numbers in their shortest form.
type Setting =
    | Scalar of string
    | Items of Setting list
    | Entries of (string * Setting) list

type Axis = { Path: string; Values: Setting list }

/// Some values on some axes, for all variants or a few.
type GridPoint = { Variants: string list; Values: (string * Setting) list }

type Grid = { Product: Axis list; Zip: Axis list list; Exclude: GridPoint list; Include: GridPoint list }

/// Numbers of the literature. Without source or protocol they have those of the same name in `published.rows`, of their point, or of the section.
type PublishedRow =
    {
        Top1Error: float option
        Top5Error: float option
        /// Where the numbers are from.
        Source: string option
        /// How they were measured: epoch, runs, augmentation.
        Protocol: string option
    }

module PublishedRow =
    let empty = { Top1Error = None; Top5Error = None; Source = None; Protocol = None }

    /// Whether it only says where the numbers of its name elsewhere come from.
    let isWithoutNumbers (row: PublishedRow) = row.Top1Error.IsNone && row.Top5Error.IsNone

/// Numbers of the literature for some values on some paths.
type PublishedPoint =
    { At: (string * Setting) list
      Source: string option
      Protocol: string option
      Rows: (string * PublishedRow) list }

/// Numbers of the literature, shown beside ours: by the names of rows, and at points of the grid, which come first.
type Published =
    { Source: string option
      Protocol: string option
      Rows: (string * PublishedRow) list
      Points: PublishedPoint list }

module Published =
    let empty: Published = { Source = None; Protocol = None; Rows = []; Points = [] }

/// What jobs on a Slurm cluster ask for, in sbatch's own words; what is left out is left to the cluster. No part of what a run computes.
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
        /// Most elements of an array that run at the same time.
        Throttle: int option
        /// How long before the time limit every run saves its state.
        SaveSeconds: int option
        /// How often an element that ran out of time is queued again.
        Requeues: int option
        /// Further options of sbatch.
        Options: string list option
        /// Lines of shell before the program.
        Setup: string list option
        /// What the program is started with, such as a container.
        Wrapper: string option
    }

/// A whole experiment file.
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
        /// Within an epoch, the state of every run is saved after so many minutes; no part of what a run computes.
        CheckpointMinutes: float
        /// No part of what a run computes either.
        Slurm: SlurmSettings option
        Grid: Grid
        Published: Published option
    }
