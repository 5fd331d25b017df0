/// Whole exports: files, metadata, and what is refused.
module ChannelDistillation.Tests.Runtime.Export.NetworkExportTests

open System.IO
open System.Threading
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Export
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Export.OnnxTests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private dataset = DatasetSpec(Name = "fashion-mnist-mini")
let private workspace = Workspace Repository.root

/// A checkpoint with a resnet8 of random weights for Fashion-MNIST.
let private weights (folder: TemporaryFolder) =
    use _ = torch.NewDisposeScope()
    use network = (ModelCatalog.Get "resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
    Golden.fill 5.0 (network.state_dict ())
    let path = folder.File "weights.safetensors"
    SafetensorsFile.Write(path, network.state_dict (), readOnlyDict [])
    path

let private export (folder: TemporaryFolder) (out: string) (request: ExportRequest) =
    use file = CheckpointFile.Open(weights folder)
    NetworkExport.Write(file, folder.File out, request, TrainingOptions(workspace, "cpu"), (fun _ _ -> ()), CancellationToken.None)

let private request format = ExportRequest(Model = ModelSpec "resnet8", Dataset = dataset, Format = format)

let private names =
    [ "T-shirt/top"; "Trouser"; "Pullover"; "Dress"; "Coat"; "Sandal"; "Shirt"; "Sneaker"; "Bag"; "Ankle boot" ]

/// The files in the folder besides the checkpoint.
let private written (folder: TemporaryFolder) =
    Directory.GetFiles folder.Path |> Array.map Path.GetFileName |> Array.filter ((<>) "weights.safetensors")

/// The metadata of every file, without the version of the program.
let private metadata normalization =
    [ "class_names", """["T-shirt/top","Trouser","Pullover","Dress","Coat","Sandal","Shirt","Sneaker","Bag","Ankle boot"]"""
      "classes", "10"
      "dataset", """{"name":"fashion-mnist-mini"}"""
      "image", "[1,32,32]"
      "mean", "[0.286]"
      "model", "resnet8"
      "normalization", normalization
      "run_hash", "abc"
      "std", "[0.353]" ]

let private withoutVersion (entries: seq<System.Collections.Generic.KeyValuePair<string, string>>) =
    [ for entry in entries do
          if entry.Key <> "version" then
              entry.Key, entry.Value ]
    |> List.sort

/// The messages of class names that are refused.
let private refusal (given: string list) =
    use folder = new TemporaryFolder()

    let request =
        ExportRequest(Model = ModelSpec "resnet8", Dataset = dataset, Format = ExportFormat.Safetensors, ClassNames = List.toArray given)

    try
        export folder "out.safetensors" request |> ignore
        "accepted"
    with :? InvalidDataException as error ->
        Expect.isEmpty (written folder) "no file"
        error.Message

[<Tests>]
let tests =
    testList
        "export: files"
        [ test "An ONNX file that normalises is compared with the network on the dataset's images" {
              requireRuntime ()
              use folder = new TemporaryFolder()

              let request =
                  ExportRequest(
                      Model = ModelSpec "resnet8",
                      Dataset = dataset,
                      Format = ExportFormat.Onnx,
                      HasNormalization = true,
                      HasFeatures = true,
                      Metadata = readOnlyDict [ "run_hash", "abc" ]
                  )

              let result = export folder "student.onnx" request
              let comparison = result.Comparison
              Expect.equal (comparison.Compared, comparison.Images) (256, 2000) "images"
              Expect.isLessThan comparison.LargestDifference OutputComparison.Tolerance "difference"
              Expect.floatClose Accuracy.low comparison.Onnx.Top1Error comparison.Network.Top1Error "errors"
              Expect.equal result.Bytes (FileInfo(folder.File "student.onnx").Length) "size"
              Expect.equal (written folder) [| "student.onnx" |] "files"
              use session = new OnnxSession(folder.File "student.onnx", 1)
              Expect.equal (withoutVersion session.Metadata) (metadata "included: pixel values in 0..1") "metadata"
              Expect.equal (List.ofSeq session.Outputs) [ "logits"; "embedding"; "stage1"; "stage2"; "stage3" ] "outputs"
          }

          test "An ONNX file with another normalisation is removed" {
              requireRuntime ()
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let image = ImageShape(1, 32, 32)

              let load () =
                  let network = (ModelCatalog.Get "resnet8").Build(ModelSpec "resnet8", image, 10)
                  Checkpoint.LoadInto(network, weights folder)
                  network.eval ()
                  network

              use network = load ()
              use exported = load ()
              use set = DatasetStore.OpenFinal(dataset, workspace)
              let right = (DatasetCatalog.Describe dataset).Normalization
              let wrong = NormalizationSpec([| 0.3 |], [| 0.353 |])
              let graph = OnnxGraph.Of(exported, image, false, wrong)

              let check (path: string) =
                  use session = new OnnxSession(path, 1)
                  OutputComparison.Of(network, session, set, right, (fun _ _ -> ()), CancellationToken.None) |> ignore

              let message =
                  try
                      OnnxFile.Write(folder.File "student.onnx", graph, readOnlyDict [], check)
                      "accepted"
                  with :? ExportMismatchException as error ->
                      error.Message

              Expect.stringStarts message "ONNX Runtime computes other values than the network: `logits` differs by " "message"
              Expect.stringEnds message "; the limit is 0.0001. The file was removed." "message"
              Expect.isEmpty (written folder) "no file"
          }

          test "Errors that differ from those that the run recorded are an error, and an existing file is kept" {
              requireRuntime ()
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "student.onnx", "earlier")

              let request =
                  ExportRequest(Model = ModelSpec "resnet8", Dataset = dataset, Format = ExportFormat.Onnx, Recorded = EpochErrors(30, 5.0, 0.5))

              let message =
                  try
                      export folder "student.onnx" request |> ignore
                      "accepted"
                  with :? ExportMismatchException as error ->
                      error.Message

              Expect.stringStarts message "The network has a top-1 error of " "message"

              Expect.stringEnds
                  message
                  ", but its run recorded 5.00: the images, their classes or their normalisation are not those that the run was evaluated on. The file was removed."
                  "message"

              Expect.equal (File.ReadAllText(folder.File "student.onnx")) "earlier" "the existing file"
              Expect.equal (written folder) [| "student.onnx" |] "files"
          }

          test "A cancelled export leaves no file" {
              requireRuntime ()
              use folder = new TemporaryFolder()
              use stop = new CancellationTokenSource()
              use file = CheckpointFile.Open(weights folder)
              let progress = System.Action<int, int>(fun _ _ -> stop.Cancel())

              Expect.throwsT<System.OperationCanceledException>
                  (fun () ->
                      NetworkExport.Write(
                          file,
                          folder.File "student.onnx",
                          request ExportFormat.Onnx,
                          TrainingOptions(workspace, "cpu"),
                          progress,
                          stop.Token
                      )
                      |> ignore)
                  "cancelled"

              Expect.isEmpty (written folder) "no file"
          }

          for format, name in [ ExportFormat.Safetensors, "student.safetensors"; ExportFormat.PyTorch, "student.pth" ] do
              test $"{name} has the tensors of the checkpoint, in the order of PyTorch's state_dict" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let result = export folder name (request format)
                  Expect.isNull result.Comparison "nothing to compare"
                  use source = CheckpointFile.Open(weights folder)
                  use written = CheckpointFile.Open(folder.File name)
                  let entries (file: CheckpointFile) = [ for entry in file.Sets[0].Tensors -> entry.Name, Golden.toArray (file.Read entry) ]
                  Expect.equal (entries written) (entries source) "tensors"
              }

          test "A safetensors file has the metadata, from which the model and dataset are known" {
              use folder = new TemporaryFolder()

              let request =
                  ExportRequest(
                      Model = ModelSpec "resnet8",
                      Dataset = dataset,
                      Format = ExportFormat.Safetensors,
                      Metadata = readOnlyDict [ "run_hash", "abc" ]
                  )

              export folder "student.safetensors" request |> ignore
              use file = CheckpointFile.Open(folder.File "student.safetensors")

              Expect.equal
                  (withoutVersion file.Metadata)
                  (List.sort (("format", "pt") :: metadata "required: (pixel value in 0..1 - mean) / std"))
                  "metadata"

              let origin = CheckpointOrigin.Of file
              Expect.equal (origin.Dataset, origin.Model) (dataset, ModelSpec "resnet8") "origin"
          }

          test "Wrong class names are refused" {
              Expect.equal (refusal (List.truncate 9 names)) "The list of class names has 9 names, but the network has 10 classes." "too few"
              Expect.equal (refusal ("Bag" :: List.tail names)) "The list of class names contains `Bag` twice." "twice"

              Expect.equal
                  (refusal (List.sort names))
                  "The list of class names is in another order than the classes of the dataset: class 0 is `T-shirt/top`, not `Ankle boot`."
                  "sorted"

              Expect.equal (refusal [ for name in names -> name.ToUpperInvariant() ]) "accepted" "other names"
          }

          test "An image folder has the names of its class folders" {
              use folder = new TemporaryFolder()

              for name in [ "heron"; "crow" ] do
                  let path = folder.File $"birds/val/{name}"
                  Directory.CreateDirectory path |> ignore
                  File.WriteAllBytes(Path.Combine(path, "1.jpg"), TestImages.jpeg 40 30 1)

              use set = DatasetStore.OpenFinal(DatasetStore.OfFolder(folder.File "birds"), workspace)
              Expect.equal (List.ofSeq set.ClassNames) [ "crow"; "heron" ] "sorted, like the labels"
          }

          test "The class names of known datasets are as many as their classes, and distinct" {
              for dataset in DatasetCatalog.All do
                  if dataset.ClassNames.Count > 0 then
                      Expect.equal (Set.ofSeq dataset.ClassNames).Count dataset.Classes dataset.Name
          } ]
