/// Training small enough for tests: 23 random images in the shape of Fashion-MNIST, and a ResNet-8 with a ResNet-14 as teacher.
module ChannelDistillation.Tests.Runtime.Training.TinyTraining

open System
open System.Collections.Generic
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Losses
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests

/// This many images of random pixels, with a bright row that shows the class.
let images count seed =
    let descriptor = DatasetCatalog.Get "fashion-mnist-mini"
    let random = Random seed
    let labels = Array.init count (fun i -> byte (i % 10))
    let pixels = Array.zeroCreate (count * 32 * 32)
    random.NextBytes pixels
    // The feature to learn: a bright row that shows the class.
    labels |> Array.iteri (fun i label -> Array.Fill(pixels, 255uy, i * 1024 + 32 * (2 * int label + 6), 64))
    new ByteImageSet(descriptor.Image, pixels, labels, descriptor.Normalization)

/// Batches of five, the last of an epoch with three: five steps.
let imageCount = 23

/// Opened separately for each cohort, which disposes it.
let openImages count (_: DatasetSpec) = new Dataset(DatasetCatalog.Get "fashion-mnist-mini", images count 1, images 10 2)

let options (folder: TemporaryFolder) = TrainingOptions(Workspace folder.Path, "cpu", OpenDataset = openImages imageCount)

let train epochs lr =
    TrainSpec(Epochs = epochs, Batch = 5, Optimizer = SgdSpec(lr, 0.9, 5e-4), LearningRateSchedule = LearningRateSchedule.Step([| 1 |], 0.5))

let dataset = DatasetSpec(Name = "fashion-mnist-mini")
let teacher = TeacherSpec(Model = ModelSpec "resnet14", Train = train 1 0.05)

let loss name weight schedule =
    LossSpec(Name = name, Weight = weight, Parameters = LossCatalog.Get(name).DefaultParameters, Schedule = schedule)

let always = LossWeightSchedule.Constant

let spec teacher train losses =
    RunSpec(Dataset = dataset, Teacher = teacher, Student = ModelSpec "resnet8", Train = train, Losses = Array.ofList losses, Seed = 7L)

/// The variants of the paper's ablation, for this many epochs.
let variants epochs =
    let train = train epochs 0.05

    [ "student", spec null train [ loss "ce" 1.0 always ]
      "kd", spec teacher train [ loss "ce" 1.0 always; loss "kd" 1.0 always ]
      "cd+gkd", spec teacher train [ loss "ce" 1.0 always; loss "cd" 6.0 always; loss "gkd" 0.1 always ]
      "cd+edt",
      spec
          teacher
          train
          [ loss "ce" 1.0 (LossWeightSchedule(StartAfter = 1))
            loss "cd" 6.0 (LossWeightSchedule(Decay = LossWeightDecay.Every(2, 0.9))) ] ]

let lane (folder: TemporaryFolder) place (name: string, spec) = LaneSpec(name, spec, Path.Combine(folder.Path, place, name))

/// Counts steps, records how lanes ended and the messages, and can call a function after a step.
type Watcher(?afterStep: int -> unit, ?onValidation: unit -> unit, ?onSay: unit -> unit, ?onEpoch: string -> unit) =
    let mutable steps = 0
    member val Ended = Dictionary<string, RunResult>()
    member val Said = List<string>()
    member _.Steps = steps

    member this.On = Action<TrainingEvent> this.Handle

    member private this.Handle(reported: TrainingEvent) =
        match reported with
        | :? TrainingEvent.StepEnded ->
            steps <- steps + 1
            afterStep |> Option.iter (fun act -> act steps)
        | :? TrainingEvent.ValidationStarted -> onValidation |> Option.iter (fun act -> act ())
        | :? TrainingEvent.EpochEnded as ended -> onEpoch |> Option.iter (fun act -> act ended.Lane)
        | :? TrainingEvent.LaneEnded as ended -> this.Ended[ended.Lane] <- ended.Result
        | :? TrainingEvent.Message as message ->
            this.Said.Add message.Text
            onSay |> Option.iter (fun act -> act ())
        | _ -> ()

let trainLanes folder (lanes: LaneSpec list) =
    let watcher = Watcher()
    CohortTrainer.Train(Array.ofList lanes, options folder, watcher.On, Threading.CancellationToken.None)
    watcher

/// Trains for this many steps, then requests cancellation.
let trainUntil step folder (lanes: LaneSpec list) =
    use stop = new Threading.CancellationTokenSource()

    let watcher =
        Watcher(fun steps ->
            if steps = step then
                stop.Cancel())

    CohortTrainer.Train(Array.ofList lanes, options folder, watcher.On, stop.Token)
    watcher

/// Creates the teacher of the variants.
let trainTeacher (folder: TemporaryFolder) =
    TeacherStore(Workspace folder.Path).Train(teacher, dataset, options folder, Watcher().On, Threading.CancellationToken.None)

/// metrics.jsonl without the two fields with times, and the bytes of both weights files.
let outcome (lane: LaneSpec) =
    let run = RunFolder lane.Folder

    let metrics =
        [ for record in run.ReadMetrics() ->
              record.Epoch,
              record.LearningRate,
              record.Loss,
              List.ofSeq record.Losses,
              List.ofSeq record.LossWeights,
              (record.TrainTop1Error, record.TrainTop5Error, record.Top1Error, record.Top5Error) ]

    metrics, Convert.ToHexString(File.ReadAllBytes run.LatestWeights), Convert.ToHexString(File.ReadAllBytes run.BestWeights)
