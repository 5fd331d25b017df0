module ChannelDistillation.Tests.Runtime.Teachers.TeacherTests

open System
open System.IO
open System.Threading
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private store (folder: TemporaryFolder) = TeacherStore(Workspace folder.Path)

let private recipe lr = TeacherSpec(Model = ModelSpec "resnet8", Train = train 1 lr)

let private trainIt (folder: TemporaryFolder) teacher =
    let watcher = Watcher()
    (store folder).Train(teacher, dataset, options folder, watcher.On, CancellationToken.None)
    watcher

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a teacher"
        [ test "A teacher is trained once, and identified by its recipe" {
              use folder = new TemporaryFolder()
              let teacher = recipe 0.05
              Expect.isFalse ((store folder).Exists(teacher, dataset)) "before"
              Expect.equal (trainIt folder teacher).Steps 5 "trained"
              Expect.isTrue ((store folder).Exists(teacher, dataset)) "after"
              Expect.equal (trainIt folder teacher).Steps 0 "not again"
              Expect.isFalse ((store folder).Exists(recipe 0.06, dataset)) "another recipe is another teacher"
          }

          test "A teacher shares neither initial weights nor data order with a student of the same seed" {
              let seeds dataSeed =
                  let recipe =
                      TrainSpec(
                          Epochs = 1,
                          Batch = 16,
                          Optimizer = SgdSpec(0.1, 0.9, 5e-4),
                          LearningRateSchedule = LearningRateSchedule.Constant(),
                          DataSeed = dataSeed
                      )

                  let run = TeacherSpec(Model = ModelSpec "resnet8", Train = recipe, Seed = 5L).AsRun dataset |> nonNull
                  run.Seed, run.DataSeed

              // Those of students are 0 or more.
              Expect.equal (seeds (Nullable())) (-6L, -6L) "one seed"
              Expect.equal (seeds (Nullable 3L)) (-6L, -4L) "a seed for the data"
          }

          test "A teacher whose weights were deleted is missing, and is restored from its training state" {
              use folder = new TemporaryFolder()
              let teacher = recipe 0.05
              trainIt folder teacher |> ignore
              let weights = (store folder).CheckpointOf(teacher, dataset)
              let before = File.ReadAllBytes weights
              File.Delete weights
              Expect.isFalse ((store folder).Exists(teacher, dataset)) "not there"
              Expect.equal (trainIt folder teacher).Steps 0 "nothing is trained again"
              Expect.equal (File.ReadAllBytes weights) before "the weights"
          }

          test "A teacher that diverges is reported, and remembered as given up" {
              use folder = new TemporaryFolder()
              let teacher = recipe 1e30

              Expect.throwsC (fun () -> trainIt folder teacher |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      ("The teacher resnet8 could not be trained. In epoch 1, step 2, ce became infinite or NaN. There is no checkpoint yet. "
                       + "A smaller learning rate or loss weight, or a warm-up, may help.")
                      "the message")

              Expect.isTrue ((store folder).GaveUp(teacher, dataset)) "given up"
          }

          test "A teacher that another process is training is waited for" {
              use folder = new TemporaryFolder()
              let teacher = recipe 0.05
              let home = Path.GetDirectoryName(Path.GetDirectoryName((store folder).CheckpointOf(teacher, dataset)))
              Directory.CreateDirectory home |> ignore
              let other = RunLeases().TryTake home |> fst |> nonNull
              let watcher = Watcher(onSay = other.Dispose)
              (store folder).Train(teacher, dataset, options folder, watcher.On, CancellationToken.None)

              Expect.equal
                  (List.ofSeq watcher.Said)
                  [ $"Another sweep is training this teacher; waiting for it ({home}, process {Environment.ProcessId} on {Environment.MachineName})." ]
                  "what was said"

              Expect.equal watcher.Steps 5 "then it is trained"
          }

          test "A teacher that cannot be read is reported as missing, with the reason" {
              use folder = new TemporaryFolder()
              let path = folder.File "junk.safetensors"
              File.WriteAllText(path, "<!DOCTYPE html>")
              let teacher = TeacherSpec(Model = ModelSpec "resnet8", Checkpoint = path)

              let message =
                  try
                      (store folder).Load(teacher, dataset, torch.CPU) |> ignore
                      "read without complaint"
                  with :? MissingException as missing ->
                      missing.Message

              Expect.equal
                  message
                  ($"The teacher resnet8 cannot be used. {path} is a web page, not a checkpoint: "
                   + "the download returned an error or a log-in page.")
                  "the message"
          }

          test "A teacher with other weights is refused with the differences" {
              use folder = new TemporaryFolder()
              use _ = torch.NewDisposeScope()
              let small = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
              let path = folder.File "resnet8.safetensors"
              SafetensorsFile.Write(path, small.state_dict (), readOnlyDict [])
              let teacher = TeacherSpec(Model = ModelSpec "resnet14", Checkpoint = path)

              Expect.throwsC (fun () -> (store folder).Load(teacher, dataset, torch.CPU) |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      ($"The teacher resnet14 cannot be used. {path} does not contain the weights of this model (resnet14): "
                       + "36 tensors are missing (`layer1.1.conv1.weight`, `layer1.1.bn1.weight`, `layer1.1.bn1.bias`, ...). "
                       + "They are the weights of resnet8 for 10 classes, images of 1 channel.")
                      "the message")
          }

          test "A teacher from a checkpoint is evaluated once per content, under any name" {
              use folder = new TemporaryFolder()
              use _ = torch.NewDisposeScope()
              let small = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)

              let save seed (name: string) =
                  Initialisation.Initialise(small, seed, "test")
                  SafetensorsFile.Write(folder.File name, small.state_dict (), readOnlyDict [])

              save 1L "a.safetensors"
              save 2L "b.safetensors"
              File.Copy(folder.File "a.safetensors", folder.File "copy.safetensors")
              let mutable opened = 0
              let options = options folder

              let counted =
                  TrainingOptions(
                      options.Workspace,
                      "cpu",
                      OpenDataset =
                          fun spec ->
                              opened <- opened + 1
                              options.OpenDataset.Invoke spec
                  )

              let errors name = (store folder).Errors(TeacherSpec(Model = ModelSpec "resnet8", Checkpoint = name), dataset, counted)
              let first = errors "a.safetensors"
              Expect.equal (errors "copy.safetensors", opened) (first, 1) "a copy"
              errors "b.safetensors" |> ignore
              Expect.equal opened 2 "other weights"

              for damaged in [ ""; "{}"; "nonsense" ] do
                  for kept in Directory.GetFiles(Path.Combine(options.Workspace.Pretrain, "errors")) do
                      File.WriteAllText(kept, damaged)

                  Expect.equal (errors "a.safetensors") first $"kept as `{damaged}`"

              Expect.equal opened 5 "damaged ones are computed again"
          }

          test "A teacher with batch statistics in training is evaluated with its running statistics" {
              use _ = torch.NewDisposeScope()

              let errors batchNorm =
                  use folder = new TemporaryFolder()
                  let network = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
                  Initialisation.Initialise(network, 1L, "test")
                  SafetensorsFile.Write(folder.File "a.safetensors", network.state_dict (), readOnlyDict [])
                  let options = options folder
                  let teacher = TeacherSpec(Model = ModelSpec "resnet8", Checkpoint = "a.safetensors", BatchNorm = batchNorm)
                  use asInTraining = new FrozenTeacher(network, batchNorm)

                  (store folder).Errors(teacher, dataset, options),
                  Evaluation.Errors((fun images labels -> asInTraining.Run(images, labels, Taps.Logits).Logits), dataset, options)

              let running, training = errors TeacherBatchNorm.RunningStats
              Expect.equal training running "with running statistics there is no difference"
              let evaluated, training = errors TeacherBatchNorm.BatchStats
              Expect.notEqual training running "with those of batches there would be one"
              Expect.equal evaluated running "but the teacher is evaluated without"
          }

          test "A teacher does not learn: its weights and statistics do not change" {
              use _ = torch.NewDisposeScope()
              let model = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
              Initialisation.Initialise(model, 1L, "teacher")
              let state () = [ for entry in model.state_dict () -> entry.Key, Golden.toArray entry.Value ]
              use teacher = new FrozenTeacher(model, TeacherBatchNorm.RunningStats)
              let ask () = teacher.Run(torch.randn (4L, 1L, 32L, 32L), torch.zeros (4L, torch.int64), Taps.Everything)
              // The first pass folds BatchNorm into the convolutions.
              ask () |> ignore
              let before = state ()
              let student = torch.randn ([| 4L; 10L |], requires_grad = true)
              let answer = ask ()
              torch.nn.functional.mse_loss(student, answer.Logits).backward()
              Expect.equal (state ()) before "the state"
              Expect.all (model.parameters ()) (fun parameter -> isNull parameter.grad) "no gradient reaches it"
          } ]
