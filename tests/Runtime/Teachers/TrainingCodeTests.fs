module ChannelDistillation.Tests.Runtime.Teachers.TrainingCodeTests

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Losses
open ChannelDistillation.Specs
open ChannelDistillation.Teachers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training

/// A ResNet-8 with these losses, taught by a ResNet-14.
let private runWith (losses: string list) =
    TinyTraining.spec TinyTraining.teacher (TinyTraining.train 1 0.05) [ for name in losses -> TinyTraining.loss name 1.0 TinyTraining.always ]

let private parts (run: RunSpec) = [ for entry in TrainingCode.Of run -> entry.Key ]

/// What the build has embedded: path and hash of each source file.
let private embedded =
    lazy
        (use stream = nonNull (typeof<RunSpec>.Assembly.GetManifestResourceStream "code.txt")
         use reader = new StreamReader(stream)

         [ for line in reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries) do
               match line.TrimEnd().Split ' ' with
               | [| path; hash |] -> path, hash
               | _ -> failtest $"not a path and a hash: {line}" ])

let private hashOf (code: string) = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes code))

[<Tests>]
let tests =
    testList
        "training code"
        [ test "The code of a run has a hash for each of its losses and networks, and for everything else" {
              let run = runWith [ "ce"; "kd" ]
              Expect.equal (parts run) [ "loss ce"; "loss kd"; "network resnet8"; "network resnet14"; "training" ] "parts"

              for entry in TrainingCode.Of run do
                  Expect.isMatch (string entry.Value) "^[0-9a-f]{16}$" entry.Key
          }

          test "Losses in different files have different code" {
              let code (loss: LossDescriptor) = string (TrainingCode.Of(runWith [ loss.Name ])[$"loss {loss.Name}"])

              let sources (loss: LossDescriptor) = loss.DeclaredIn :: [ for other in loss.BuildsOn -> other.DeclaredIn ]

              for losses in LossCatalog.All |> Seq.groupBy sources |> Seq.map (snd >> Seq.map code >> Seq.distinct >> Seq.toList) do
                  Expect.hasLength losses 1 "the same files, the same hash"

              let files = LossCatalog.All |> Seq.map sources |> Seq.distinct |> Seq.length
              Expect.equal (LossCatalog.All |> Seq.map code |> Seq.distinct |> Seq.length) files "each its own"
          }

          test "A loss that uses the code of another names it" {
              let fileOf (loss: LossDescriptor) = string (Path.GetFileNameWithoutExtension loss.DeclaredIn)

              for loss in LossCatalog.All do
                  let source = File.ReadAllText(Path.Combine(Repository.root, "runtime", "Losses", fileOf loss + ".cs"))

                  let used =
                      [ for other in LossCatalog.All do
                            if fileOf other <> fileOf loss && Regex.IsMatch(source, $@"\b{fileOf other}\b") then
                                fileOf other ]
                      |> List.distinct

                  // Descriptors of one file may use different losses.
                  let named =
                      [ for same in LossCatalog.All do
                            if fileOf same = fileOf loss then
                                for other in same.BuildsOn -> fileOf other ]
                      |> List.distinct

                  Expect.containsAll named used loss.Name
          }

          test "The build hashes sources without comment lines and white space" {
              for path, hash in embedded.Value do
                  let source = File.ReadAllText(Path.Combine(Repository.root, "runtime", path))
                  Expect.equal hash (hashOf (Regex.Replace(source, @"(?m)^\s*//.*$|\s+", ""))) path
          }

          test "The parts that differ from the present code are named" {
              let recorded = TrainingCode.Of(runWith [ "ce"; "kd" ])
              Expect.isEmpty (TrainingCode.Changed recorded) "the present code"
              recorded["loss kd"] <- JsonValue.Create "0123456789abcdef"
              Expect.equal (List.ofSeq (nonNull (TrainingCode.Changed recorded))) [ "loss kd" ] "another loss"
              recorded["loss gone"] <- JsonValue.Create "0123456789abcdef"
              Expect.equal (List.ofSeq (nonNull (TrainingCode.Changed recorded))) [ "loss kd"; "loss gone" ] "a loss that no longer exists"
          }

          test "Records of earlier versions, without code, are unknown" { Expect.isNull (TrainingCode.Changed null) "no record" } ]
