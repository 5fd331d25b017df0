namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Words that take several kinds of arguments, as their keys do in YAML.
[<AutoOpen; AbstractClass; Sealed>]
type OverloadedWords =
    /// A known dataset, by name.
    static member dataset(name: string) : Line = OverloadedWords.dataset (name, [])

    /// A known dataset with settings: `dataset ("cifar100", [ augment 4 PaddingMode.Zero true; normalize "crd" ])`.
    static member dataset(name: string, settings: (Dataset -> Dataset) list) : Line =
        (DatasetCodec.ofSource (Named name), settings)
        ||> List.fold (fun dataset change -> change dataset)
        |> OverloadedWords.dataset

    /// An image folder, with or without settings: `dataset (image_folder "data/birds" 200 |> validation 0.1)`.
    static member dataset(images: Dataset) : Line = Line.change (fun experiment -> { experiment with Dataset = images }) |> Line.say "dataset"

    /// A named normalisation of the dataset.
    static member normalize(name: string) : Dataset -> Dataset = fun dataset -> { dataset with Normalize = Some(KnownNormalization name) }

    /// Normalisation with the mean and standard deviation of each channel, for pixel values in 0..1.
    static member normalize(mean: float list, std: float list) : Dataset -> Dataset =
        fun dataset -> { dataset with Normalize = Some(MeanAndStd(mean, std)) }

    /// A hold-out split for choosing the best epoch: this fraction of each class of the training set.
    static member validation(share: float) : Dataset -> Dataset = OverloadedWords.validation (share, 0L)

    /// A hold-out split whose images this seed selects.
    static member validation(share: float, seed: int64) : Dataset -> Dataset =
        fun dataset -> { dataset with Validation = Some { Share = share; Seed = seed } }

    /// The network that is trained, by name.
    static member student(name: string) : Line = OverloadedWords.student (network name)

    /// The network that is trained: one with a stem, or from Python.
    static member student(model: Model) : Line = Line.change (fun experiment -> { experiment with Student = model }) |> Line.say "student"

    /// The frozen network that students learn from, or `no_teacher`.
    static member teacher(teacher: TeacherDraft) : Line = Line(fun draft -> { draft with Teacher = teacher }) |> Line.say "teacher"

    /// A known teacher, by its name in pretrain/teachers.yaml.
    static member teacher(name: string) : Line = OverloadedWords.teacher (known name)

    /// A teacher from Python, with its weights: `teacher (torchscript "teacher.pt")`.
    static member teacher(model: Model) : Line = OverloadedWords.teacher (scripted model)

    /// Caches the teacher's outputs for training images on disk; requires images without random augmentation.
    static member cache(enabled: bool) : TeacherDraft -> TeacherDraft = cached (if enabled then Some { Views = None } else None)

    /// Augments each training image in only this many ways, and caches the teacher's outputs on disk: `cache (views = 3)`.
    static member cache(views: int) : TeacherDraft -> TeacherDraft = cached (Some { Views = Some views })

    /// A network from Python. `file`: path of a TorchScript file, relative to the script; `{seed}` stands for the run's seed. Its code is executed.
    static member torchscript(file: string) : Model = TorchScriptCodec.model file

    /// Declares a loss from Python. `file`: path of a TorchScript file, relative to the script. Its code is executed.
    static member torchscript(name: string, file: string) : Term = name, { LossCodec.blank with Script = Some file }

    /// Training settings of the students.
    static member train(recipe: Recipe list) : Line =
        let recipe = (Silent.train, recipe) ||> List.fold (fun train step -> step train)
        Line.change (fun experiment -> { experiment with Train = recipe }) |> Line.say "train"

    /// A teacher that is trained first, with the students' settings except those given here.
    static member train(model: string, recipe: Recipe list) : TeacherDraft = trained model recipe

    /// The weight of a loss grows linearly over this many epochs after `start_after`.
    static member warmup(epochs: int) : Term -> Term = fun (name, settings) -> name, { settings with LossSettings.Warmup = Some epochs }

    /// Linear warm-up of the learning rate over the first epochs, from a fraction of it.
    static member warmup(epochs: int, from: float) : Recipe =
        fun train -> { train with Train.Schedule = { train.Schedule with Warmup = Some { Epochs = epochs; From = from } } }

    /// Sets a parameter of a loss.
    static member parameter(name: string) : float -> Term -> Term = fun value -> OverloadedWords.parameter (name, Number value)

    static member parameter(name: string, value: bool) : Term -> Term = OverloadedWords.parameter (name, Flag value)
    static member parameter(name: string, value: string) : Term -> Term = OverloadedWords.parameter (name, Word value)

    static member private parameter(name: string, value: ParameterValue) : Term -> Term =
        fun (loss, settings) -> loss, { settings with Parameters = settings.Parameters.Add(name, value) }

    /// An axis: a path of the experiment and its values.
    static member axis(path: string) : Setting list -> Axis = fun values -> { Name = path; Paths = [ path ]; Values = values }

    /// A named axis: one that sets several paths to the same value.
    static member axis(name: string, paths: string list, values: Setting list) : Axis = { Name = name; Paths = paths; Values = values }

    /// An axis that is combined with all others: a path and its values.
    static member product(path: string) : Setting list -> Line = fun values -> OverloadedWords.product (OverloadedWords.axis path values)

    /// An axis that is combined with all others: `product (axis ("T", paths = [ ... ], values = numbers [ 1; 4 ]))`.
    static member product(axis: Axis) : Line = Line.changeGrid (fun grid -> { grid with Product = grid.Product @ [ axis ] })
