module ChannelDistillation.Tests.Lab.Runs.ListingTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Tests

/// A line without padding.
let private lineOf (start: string) (text: string) =
    text.Split '\n'
    |> Array.find (fun line -> line.TrimStart().StartsWith start)
    |> fun line -> System.Text.RegularExpressions.Regex.Replace(line.Trim(), "  +", " | ")

let private put (root: TemporaryFolder) (path: string) (content: byte array) =
    let path = Path.Combine(root.Path, path)
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
    File.WriteAllBytes(path, content)

[<Tests>]
let tests =
    testList
        "listings"
        [ test "A dataset is listed as missing, incomplete or available" {
              use root = new TemporaryFolder()
              let line () = DatasetListing.render (Workspace root.Path) |> lineOf "cifar100"
              Expect.equal (line ()) "cifar100 | 100 | 50,000 | 10,000 | 169 MB | - | not downloaded: data fetch cifar100" "not here"
              put root "data/cifar100/cifar-100-binary.tar.gz.part" (Array.zeroCreate 1_200_000)

              Expect.equal
                  (line ())
                  "cifar100 | 100 | 50,000 | 10,000 | 169 MB | 1.2 MB | incomplete, train.bin, test.bin missing: data fetch cifar100"
                  "begun"

              put root "data/cifar100/train.bin" [||]
              put root "data/cifar100/test.bin" (Array.zeroCreate 5)
              Expect.equal (line ()) "cifar100 | 100 | 50,000 | 10,000 | 169 MB | 5 bytes | data/cifar100" "here"
          }

          test "A dataset without download is listed with how to get it" {
              use root = new TemporaryFolder()
              let text = DatasetListing.render (Workspace root.Path)
              Expect.equal (lineOf "imagenet" text) "imagenet | 1,000 | 1,281,167 | 50,000 | - | - | missing, see below" "line"
              Expect.stringContains text "imagenet cannot be downloaded without an account: get it from https://image-net.org" "how"
          }

          test "Datasets are listed as JSON" {
              use root = new TemporaryFolder()
              put root "data/cifar10/data_batch_1.bin" (Array.zeroCreate 7)
              let listed = JsonNode.Parse(DatasetListing.renderJson (Workspace root.Path)).AsArray()
              let ten = listed |> Seq.find (fun entry -> string entry["name"] = "cifar10")

              Expect.equal
                  (string ten["status"], int ten["bytes_on_disk"], ten["missing"].AsArray().Count, int ten["download_bytes"])
                  ("incomplete", 7, 5, 170052171)
                  "cifar10"

              Expect.isNull ten["folder"] "folder"
          }

          test "Known teachers are listed with their files, trained ones with their errors" {
              use root = new TemporaryFolder()
              let workspace = Workspace root.Path
              let text = TeacherListing.render workspace

              Expect.equal
                  (lineOf "resnet34-imagenet" text)
                  "resnet34-imagenet | resnet34 | imagenet | 26.69 % | 8.58 % | 87 MB | not downloaded: teacher fetch resnet34-imagenet"
                  "not here"

              Expect.equal
                  (lineOf "resnet152-cifar100" text)
                  "resnet152-cifar100 | resnet152 | cifar100 | 19.09 % | 4.45 % | - | no download, see below"
                  "nobody offers it"

              Expect.stringContains text "No teacher has been trained here yet" "none"
              put root "pretrain/resnet34-333f7ec4.pth" [||]

              let spec =
                  RunSpec(
                      Dataset = DatasetSpec(Name = "fashion-mnist"),
                      Student = ModelSpec "resnet20",
                      Train =
                          TrainSpec(
                              Epochs = 30,
                              Batch = 64,
                              Optimizer = SgdSpec(0.1, 0.9, 5e-4, false),
                              LearningRateSchedule = LearningRateSchedule.Step([| 20 |], 0.1)
                          ),
                      Losses = [| LossSpec.CrossEntropy |],
                      Seed = 0L
                  )

              let folder = RunFolder(Path.Combine(workspace.Pretrain, "fashion-mnist-resnet20-12345678"))
              folder.WriteStart("teacher", spec, "cpu", struct (1, 0))
              let unfinished = TeacherListing.render workspace

              Expect.equal
                  (lineOf "resnet20" unfinished)
                  "resnet20 | fashion-mnist | 30 | unfinished | pretrain/fashion-mnist-resnet20-12345678"
                  "unfinished"

              Expect.stringEnds (lineOf "resnet34-imagenet" unfinished) " | 87 MB | pretrain/resnet34-333f7ec4.pth" "here"
              let last = EpochErrors(30, 6.25, 0.1)
              folder.WriteResult(RunResult(RunStatus.Completed, last, last))

              Expect.equal
                  (TeacherListing.render workspace |> lineOf "resnet20")
                  "resnet20 | fashion-mnist | 30 | 6.25 % | 0.10 % | completed | pretrain/fashion-mnist-resnet20-12345678"
                  "completed"
          } ]
