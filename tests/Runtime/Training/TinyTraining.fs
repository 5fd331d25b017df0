/// Training small enough for tests: 23 random images in the shape of Fashion-MNIST, a ResNet-8 that learns from a ResNet-14.
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

/// So many images of random pixels, and one bright row that tells the class.
let images count seed =
    let descriptor = DatasetCatalog.Get "fashion-mnist-mini"
    let random = Random seed
    let labels = Array.init count (fun i -> byte (i % 10))
    let pixels = Array.zeroCreate (count * 32 * 32)
    random.NextBytes pixels
    // Something to learn: a bright row that tells the class.
    labels |> Array.iteri (fun i label -> Array.Fill(pixels, 255uy, i * 1024 + 32 * (2 * int label + 6), 64))
    new ByteImageSet(descriptor.Image, pixels, labels, descriptor.Normalization)

/// Batches of five, of which the last of an epoch has three: five steps.
let imageCount = 23

/// Never opened twice at once: each cohort disposes its own.
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

/// The variants of the paper's ablation, over so many epochs.
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

/// Counts steps, keeps how lanes ended and what was said, and can do something after a step.
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

/// Trains until so many steps are done, then asks it to stop.
let trainUntil step folder (lanes: LaneSpec list) =
    use stop = new Threading.CancellationTokenSource()

    let watcher =
        Watcher(fun steps ->
            if steps = step then
                stop.Cancel())

    CohortTrainer.Train(Array.ofList lanes, options folder, watcher.On, stop.Token)
    watcher

/// Makes the teacher that the variants learn from.
let trainTeacher (folder: TemporaryFolder) =
    TeacherStore(Workspace folder.Path).Train(teacher, dataset, options folder, Watcher().On, Threading.CancellationToken.None)

/// metrics.jsonl without the two fields that tell the time, and the bytes of both weight files.
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
