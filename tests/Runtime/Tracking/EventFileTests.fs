/// TensorBoard's files, read by an independent implementation of framing and CRC, with messages parsed by protobuf.
module ChannelDistillation.Tests.Runtime.Tracking.EventFileTests

open System
open System.IO
open System.Text
open Expecto
open Tensorboard
open ChannelDistillation.Runs
open ChannelDistillation.Tracking
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

/// CRC-32C bit by bit, from its reflected polynomial.
let private crc (data: byte[]) =
    let mutable crc = UInt32.MaxValue

    for next in data do
        crc <- crc ^^^ uint32 next

        for _ in 1..8 do
            crc <- if crc &&& 1u = 1u then (crc >>> 1) ^^^ 0x82F63B78u else crc >>> 1

    ~~~crc

let private masked data =
    let crc = crc data
    ((crc >>> 15) ||| (crc <<< 17)) + 0xa282ead8u

/// Every event of the only event file in a folder; both checksums of each record are verified.
let private eventsIn folder =
    let file = Expect.wantSome (Array.tryExactlyOne (Directory.GetFiles(folder, "events.out.tfevents.*"))) "one event file"
    use reader = new BinaryReader(File.OpenRead file)

    [ while reader.BaseStream.Position < reader.BaseStream.Length do
          let length = reader.ReadBytes 8
          Expect.equal (reader.ReadUInt32()) (masked length) "checksum of the length"
          let data = reader.ReadBytes(int (BitConverter.ToUInt64 length))
          Expect.equal (reader.ReadUInt32()) (masked data) "checksum of the data"
          Event.Parser.ParseFrom data ]

let private epochsOf (events: Event list) = events |> List.filter (fun event -> event.Step > 0L)

/// The expected values of an epoch in the file.
let private expected (record: EpochRecord) =
    Map
        [ "validation/top1_error", record.Top1Error
          "validation/top5_error", record.Top5Error
          "training/top1_error", record.TrainTop1Error
          "training/top5_error", record.TrainTop5Error
          "loss/total", record.Loss
          for entry in record.Losses do
              $"loss/{entry.Key}", entry.Value
          for entry in record.LossWeights do
              $"loss_weight/{entry.Key}", entry.Value
          "optimizer/learning_rate", record.LearningRate
          "speed/images_per_second", record.ImagesPerSecond ]
    |> Map.map (fun _ value -> float32 value)

/// The file has each epoch of metrics.jsonl once, in order, with its values.
let private expectInStep folder =
    let events = eventsIn folder
    Expect.equal events.Head.FileVersion "brain.Event:2" "the first event"
    let records = List.ofSeq (RunFolder(folder).ReadMetrics())
    Expect.equal (epochsOf events |> List.map _.Step) (records |> List.map (fun record -> int64 record.Epoch)) "steps"

    for event, record in List.zip (epochsOf events) records do
        let actual = Map [ for value in event.Summary.Value -> value.Tag, value.SimpleValue ]
        Expect.equal actual (expected record) $"epoch {record.Epoch}"

let private run folder = lane folder "runs" ("student", spec null (train 3 0.05) [ loss "ce" 1.0 always ])

/// The same values as a record of epoch 3.
let private third (record: EpochRecord) =
    EpochRecord(
        Epoch = 3,
        LearningRate = record.LearningRate,
        Loss = record.Loss,
        Losses = record.Losses,
        LossWeights = record.LossWeights,
        TrainTop1Error = record.TrainTop1Error,
        TrainTop5Error = record.TrainTop5Error,
        Top1Error = record.Top1Error,
        Top5Error = record.Top5Error,
        ImagesPerSecond = record.ImagesPerSecond,
        Seconds = record.Seconds
    )

let private eventFile (folder: string) = Array.exactlyOne (Directory.GetFiles(folder, "events.out.tfevents.*"))

[<Tests>]
let tests =
    testSequenced
    <| testList
        "event files"
        [ test "The checksum is CRC-32C, masked as in TensorFlow" {
              // The standard check value of CRC-32C.
              Expect.equal (crc (Encoding.ASCII.GetBytes "123456789")) 0xE3069283u "the test's own"

              for text in [ ""; "a"; "123456789" ] do
                  let data = Encoding.ASCII.GetBytes text
                  Expect.equal (EventRecords.Masked(ReadOnlySpan data)) (masked data) text
          }

          test "An event file has each epoch once, and a picture of training images" {
              use folder = new TemporaryFolder()
              let run = run folder
              trainLanes folder [ run ] |> ignore
              expectInStep run.Folder
              let pictures = eventsIn run.Folder |> List.filter (fun event -> event.Step = 0L && not (isNull event.Summary))
              let picture = (Expect.wantSome (List.tryExactlyOne pictures) "one picture").Summary.Value[0]
              Expect.equal (picture.Tag, picture.Image.Width, picture.Image.Height) ("training/augmented_images", 256, 128) "picture"
              Expect.equal (picture.Image.EncodedImageString.Span.Slice(1, 3).ToArray()) "PNG"B "it is a PNG"
          }

          test "An event file of a run interrupted at any step has no gaps and no duplicates" {
              use folder = new TemporaryFolder()
              let run = run folder

              for step in [ 3; 4; 2 ] do
                  trainUntil step folder [ run ] |> ignore
                  expectInStep run.Folder

              trainLanes folder [ run ] |> ignore
              expectInStep run.Folder
              let pictures = eventsIn run.Folder |> List.filter (fun event -> event.Step = 0L && not (isNull event.Summary))
              Expect.hasLength pictures 1 "one picture"
          }

          test "An event file that is truncated, missing or ahead of the run is synchronised, and keeps its times" {
              use folder = new TemporaryFolder()
              let run = run folder
              trainUntil 12 folder [ run ] |> ignore
              let records = RunFolder(run.Folder).ReadMetrics()
              Expect.hasLength records 2 "epochs"
              let events () = RunEvents(run.Folder)
              let times () = epochsOf (eventsIn run.Folder) |> List.map _.WallTime
              let before = times ()
              let file = eventFile run.Folder
              let whole = File.ReadAllBytes file

              File.WriteAllBytes(file, whole[.. whole.Length - 10])
              events().Open records
              expectInStep run.Folder
              Expect.equal (times ()).Head before.Head "the first epoch is as it was"

              File.Delete file
              events().Open records
              expectInStep run.Folder

              let ahead = events ()
              ahead.Open records
              ahead.Add(third records[0])
              events().Open records
              expectInStep run.Folder

              File.WriteAllBytes(eventFile run.Folder + ".copy", whole)
              events().Open records
              expectInStep run.Folder
          }

          test "An event file that is up to date is not changed" {
              use folder = new TemporaryFolder()
              let run = run folder
              trainUntil 12 folder [ run ] |> ignore
              let file = eventFile run.Folder
              let before = File.ReadAllBytes file
              File.SetLastWriteTimeUtc(file, DateTime(2020, 1, 1))
              RunEvents(run.Folder).Open(RunFolder(run.Folder).ReadMetrics())
              Expect.equal (File.GetLastWriteTimeUtc file) (DateTime(2020, 1, 1)) "time"
              Expect.equal (File.ReadAllBytes file) before "content"
          } ]
