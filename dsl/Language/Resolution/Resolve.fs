/// Resolves the variants of an experiment: fills in every omitted setting.
module ChannelDistillation.Dsl.Resolution.Resolve

open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

type ResolvedLoss =
    {
        Name: string
        /// The file of a loss from Python, with its SHA-256.
        Script: TorchScriptFile option
        Weight: float
        StartAfter: int
        StopAfter: int option
        Warmup: int
        Decay: Decay
        DecaysAtZero: bool
        Parameters: (string * ParameterValue) list
    }

/// A run without its seed, compared by value.
type Resolved =
    {
        Dataset: Dataset
        /// Number of augmented views of each training image; None: a new view in every epoch, or no augmentation.
        Views: int option
        Teacher: Teacher option
        Student: Model
        Train: Train
        Losses: ResolvedLoss list
    }

/// Whether EDT presets treat a loss as one on features, which decays. Losses on logits and labels start late.
let private onFeatures (loss: LossDescriptor) =
    (loss.Needs
     &&& (TeacherSignal.Features ||| TeacherSignal.PreActivations ||| TeacherSignal.ChannelMeans ||| TeacherSignal.Embedding))
    <> TeacherSignal.None

/// The settings of Early Decay Teacher in the paper's code (`lrdv2` there).
let preset (edt: EdtPreset) (loss: LossDescriptor) : LossSettings =
    match edt, onFeatures loss with
    | CifarEdt, true -> { LossCodec.blank with Decay = Some(StepDecay([ 60; 160 ], 0.9)) }
    | CifarEdt, false -> { LossCodec.blank with StartAfter = Some 60; DecaysAtZero = Some true }
    | ImageNetEdt, true -> { LossCodec.blank with Decay = Some(EveryDecay(30, 0.9)) }
    | ImageNetEdt, false -> { LossCodec.blank with StartAfter = Some 30; DecaysAtZero = Some true }

/// Settings of the first, with those of the second where the first has none.
let over (first: LossSettings) (second: LossSettings) : LossSettings =
    { Script = Option.orElse second.Script first.Script
      Weight = Option.orElse second.Weight first.Weight
      StartAfter = Option.orElse second.StartAfter first.StartAfter
      StopAfter = Option.orElse second.StopAfter first.StopAfter
      Warmup = Option.orElse second.Warmup first.Warmup
      Decay = Option.orElse second.Decay first.Decay
      DecaysAtZero = Option.orElse second.DecaysAtZero first.DecaysAtZero
      Parameters =
        if first.Parameters.IsEmpty then
            second.Parameters
        else
            Map.fold (fun all name value -> Map.add name value all) second.Parameters first.Parameters }

let private standard (descriptor: ParameterDescriptor) =
    match descriptor.DefaultValue with
    | :? float as value -> Number value
    | :? bool as value -> Flag value
    | value -> Word(string value)

let private scriptOf (path: string) = ChannelDistillation.TorchScript.Archive.Read(path).File

let private datasetName (dataset: Dataset) =
    match dataset.Source with
    | Named name -> name
    | ImageFolder _ -> DatasetSpec.ImageFolder

/// The descriptor of a loss in a checked experiment, whose files can be read.
let descriptor (experiment: Experiment) (name: string) : LossDescriptor =
    match DeclaredLosses.descriptor experiment.Losses name with
    | Some descriptor -> descriptor
    | None -> LossCatalog.Get name

/// Resolves a loss of a variant. Settings come from the variant, its preset, the declaration or the descriptor, in this order.
let loss (experiment: Experiment) (variant: Variant) (name: string, own: LossSettings) : ResolvedLoss =
    let descriptor = (descriptor experiment name).On(datasetName experiment.Dataset)

    let declared =
        experiment.Losses |> List.tryFind (fun (key, _) -> key = name) |> Option.map snd |> Option.defaultValue LossCodec.blank

    let settings =
        match variant.Edt with
        | Some edt -> over own (over (preset edt descriptor) declared)
        | None -> over own declared

    { Name = name
      Script = settings.Script |> Option.map scriptOf
      Weight = defaultArg settings.Weight descriptor.DefaultWeight
      StartAfter = defaultArg settings.StartAfter 0
      StopAfter = settings.StopAfter
      Warmup = defaultArg settings.Warmup descriptor.DefaultWarmup
      Decay = defaultArg settings.Decay NoDecay
      DecaysAtZero = defaultArg settings.DecaysAtZero false
      Parameters =
        [ for parameter in descriptor.Parameters ->
              parameter.Name, settings.Parameters |> Map.tryFind parameter.Name |> Option.defaultWith (fun () -> standard parameter) ] }

/// Whether any loss of a variant needs the teacher.
let usesTeacher (experiment: Experiment) (variant: Variant) =
    variant.Losses
    |> List.exists (fun (name, _) -> DeclaredLosses.descriptor experiment.Losses name |> Option.exists _.NeedsTeacher)

/// Caches a function's last result while the argument is the same object. Neighbouring points of a grid share most of their parts;
/// this saves time and memory.
let private remember (compute: 'argument -> 'result) : 'argument -> 'result when 'argument: not struct =
    let last = ref ValueNone

    fun argument ->
        match last.Value with
        | ValueSome(struct (known, result)) when obj.ReferenceEquals(known, argument) -> result
        | _ ->
            let result = compute argument
            last.Value <- ValueSome(struct (argument, result))
            result

/// The teacher with its checkpoint spelled out. Its views are removed, because they apply to the images of all variants.
let private essentialTeacher (teacher: Teacher) =
    { KnownTeachers.writtenOut teacher with Cache = teacher.Cache |> Option.map (fun _ -> { Views = None }) }

/// The number of views of each image. Variants without a teacher see the same views, so that a table compares losses, not images.
let private views (experiment: Experiment) =
    experiment.Teacher
    |> Option.bind _.Cache
    |> Option.bind _.Views
    |> Option.filter (fun _ -> Augmentation.isRandom experiment.Dataset)

/// Resolves a variant at successive points of a grid. A variant that does not use the teacher gets none, so that its runs are the same
/// with every teacher.
type Resolver() =
    let mutable losses = struct ([], Unchecked.defaultof<Variant>, "", [])
    let dataset = remember (Augmentation.essential >> DatasetLookup.essential)
    let teacher = remember (Option.map essentialTeacher)

    member _.Resolve(experiment: Experiment, variant: Variant) : Resolved =
        let struct (declared, known, on, resolved) = losses
        let name = datasetName experiment.Dataset

        let resolved =
            if obj.ReferenceEquals(declared, experiment.Losses) && obj.ReferenceEquals(known, variant) && on = name then
                resolved
            else
                let resolved = variant.Losses |> List.map (loss experiment variant)
                losses <- struct (experiment.Losses, variant, name, resolved)
                resolved

        { Dataset = dataset experiment.Dataset
          Views = views experiment
          Teacher = if usesTeacher experiment variant then teacher experiment.Teacher else None
          Student = experiment.Student
          Train = experiment.Train
          Losses = resolved }

let private datasetSpecOf (views: int option) (dataset: Dataset) : DatasetSpec =
    let views = Option.toNullable views
    let augmentation = Augmentation.spec dataset
    let normalization = DatasetLookup.normalization dataset |> Option.toObj
    let heldOut = dataset.Validation |> Option.map (fun held -> HoldOutSpec(held.Share, held.Seed)) |> Option.toObj

    match dataset.Source with
    | Named name -> DatasetSpec(Name = name, Augmentation = augmentation, Normalization = normalization, HoldOut = heldOut, Views = views)
    | ImageFolder(folder, classes) ->
        DatasetSpec(
            Name = DatasetSpec.ImageFolder,
            Folder = folder,
            Classes = classes,
            Augmentation = augmentation,
            Normalization = normalization,
            HoldOut = heldOut,
            Views = views
        )

let datasetSpec = datasetSpecOf None

/// The specification of a network. `seed` selects the file of a student with `{seed}` in its path.
let modelSpecFor (seed: int64) (model: Model) =
    match model.Script with
    | Some path ->
        let file = scriptOf (TorchScriptCodec.ofSeed seed path)
        // Named as in the experiment, so that tables show one network for all runs of a row.
        ModelSpec.Of(TorchScriptFile(model.Name, file.Path, file.Sha256))
    | None -> ModelSpec(model.Name, Option.toNullable model.Stem)

let modelSpec = modelSpecFor 0L

let private learningRate (rate: LearningRate) : LearningRateSchedule =
    let epochs, from =
        match rate.Warmup with
        | Some warmup -> warmup.Epochs, warmup.From
        | None -> 0, 0.1

    match rate.Shape with
    | Constant -> LearningRateSchedule.Constant(WarmupEpochs = epochs, WarmupFrom = from)
    | Step(at, factor) -> LearningRateSchedule.Step(List.toArray at, factor, WarmupEpochs = epochs, WarmupFrom = from)
    | Cosine final -> LearningRateSchedule.Cosine(final, WarmupEpochs = epochs, WarmupFrom = from)

let private trainSpecWith (learningRate: LearningRate -> LearningRateSchedule) (train: Train) =
    TrainSpec(
        Epochs = train.Epochs,
        Batch = train.Batch,
        Optimizer = SgdSpec(train.Optimizer.LearningRate, train.Optimizer.Momentum, train.Optimizer.WeightDecay, train.Optimizer.Nesterov),
        LearningRateSchedule = learningRate train.Schedule,
        Precision = train.Precision,
        DataSeed = Option.toNullable train.DataSeed
    )

let trainSpec = trainSpecWith learningRate

let teacherSpec (teacher: Teacher) =
    let (checkpoint: string | null), (train: TrainSpec | null), seed =
        match teacher.Source with
        | Checkpoint path -> path, null, 0L
        | Known _ -> invalidArg (nameof teacher) "The checkpoint of a known teacher must be spelled out first."
        | TorchScript -> null, null, 0L
        | Trained(train, seed) -> null, trainSpec train, seed

    TeacherSpec(
        Model = modelSpec teacher.Model,
        Checkpoint = checkpoint,
        Train = train,
        Seed = seed,
        BatchNorm = teacher.BatchNorm,
        Cache = teacher.Cache.IsSome
    )

let private weightDecay (decay: Decay) : LossWeightDecay | null =
    match decay with
    | NoDecay -> null
    | StepDecay(at, factor) -> LossWeightDecay.Step(List.toArray at, factor)
    | EveryDecay(epochs, factor) -> LossWeightDecay.Every(epochs, factor)
    | LinearDecay(until, final) -> LossWeightDecay.Linear(until, final)
    | CosineDecay(until, final) -> LossWeightDecay.Cosine(until, final)

let private parameters (values: (string * ParameterValue) list) =
    match values with
    | [] -> Parameters.Empty
    | _ ->
        Parameters(
            seq {
                for name, value in values ->
                    System.Collections.Generic.KeyValuePair(
                        name,
                        match value with
                        | Number value -> nonNull (box value)
                        | Flag value -> nonNull (box value)
                        | Word value -> nonNull (box value)
                    )
            }
        )

let lossSpec (loss: ResolvedLoss) =
    LossSpec(
        Name = loss.Name,
        Script = Option.toObj loss.Script,
        Weight = loss.Weight,
        Parameters = parameters loss.Parameters,
        Schedule =
            LossWeightSchedule(
                StartAfter = loss.StartAfter,
                StopAfter = Option.toNullable loss.StopAfter,
                Warmup = loss.Warmup,
                Decay = weightDecay loss.Decay,
                DecaysAtZero = loss.DecaysAtZero
            )
    )

/// Creates the run specifications of successive rows.
type SpecMaker() =
    let dataset = remember datasetSpec
    let student = remember modelSpec

    // A file for each seed, or the same network for all seeds.
    let studentOf (model: Model) (seed: int64) = if model.Script.IsSome then modelSpecFor seed model else student model
    let learningRate = remember learningRate
    let losses = remember (fun (losses: ResolvedLoss list) -> [| for loss in losses -> lossSpec loss |])
    let teacher = remember teacherSpec

    /// The run specifications of a row, one per seed.
    member _.Make(resolved: Resolved, seeds: int64 list) : RunSpec list =
        let dataset =
            match resolved.Views with
            | None -> dataset resolved.Dataset
            | views -> datasetSpecOf views resolved.Dataset

        let teacher: TeacherSpec | null =
            match resolved.Teacher with
            | Some resolved -> teacher resolved
            | None -> null

        let train = trainSpecWith learningRate resolved.Train
        let losses = losses resolved.Losses

        [ for seed in seeds ->
              RunSpec(Dataset = dataset, Teacher = teacher, Student = studentOf resolved.Student seed, Train = train, Losses = losses, Seed = seed) ]
