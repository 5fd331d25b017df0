module ChannelDistillation.Tests.Runtime.Data.ResidentImagesTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Data

let count = 23

let see (batch: Batch) =
    Seq.toList (batch.Indices.ToArray()),
    Seq.toList batch.Images.shape,
    Seq.toList (batch.Labels.data<int64>()),
    Seq.toList (batch.Images.data<float32>())

/// Two epochs and a part of a third, from a set on the device or read on the host.
let batches (set: IImageSet) augmentation views (onDevice: bool) =
    use stream = new BatchStream(set, 8, augmentation, 5L, true, torch.CPU, Nullable 2, views, Nullable onDevice)

    [ for epoch in 1..2 do
          yield! stream.Epoch epoch |> Seq.map see
      yield! stream.Epoch(3, 1) |> Seq.truncate 1 |> Seq.map see ]

let sameBothWays (set: IImageSet) augmentation views =
    Expect.equal (batches set augmentation views true) (batches set augmentation views false) $"{augmentation}"

let private address (tensor: torch.Tensor) = Dispatcher.Address tensor

[<Tests>]
let tests =
    testList
        "images on the device"
        [ testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 100 }
              "Resident images give batches bit-identical to those prepared on the host"
          <| fun (padding: byte) reflect flip (grey: bool) ->
              let mode = if reflect then PaddingMode.Reflect else PaddingMode.Zero
              // Reflection needs an image larger than its padding; zero padding may hide all of it.
              let padding = if reflect then int padding % 5 else int padding % 9
              let shape = if grey then ImageShape(1, 7, 5) else Sets.colour
              let _, set = Sets.randomSet shape count
              sameBothWays set (AugmentationSpec(padding, mode, flip)) (Nullable())

          test "Resident images give the same batches with views, and for a subset" {
              let _, set = Sets.randomSet Sets.colour (2 * count)
              let part = (set :> IImageSet).Part([| for i in 0 .. count - 1 -> 2 * i + 1 |], true)
              sameBothWays part Sets.mild (Nullable 2)
              sameBothWays part AugmentationSpec.None (Nullable())
              sameBothWays (part.Part([| 3; 1; 20; 7; 9; 11; 0; 2; 5 |], false)) Sets.mild (Nullable())
          }

          // Tensors are counted across all threads, so no other test may run.
          testSequenced
          <| test "Resident images hold no more tensors after a thousand batches than after one" {
              let _, set = Sets.randomSet Sets.colour count
              use stream = new BatchStream(set, 8, Sets.mild, 5L, true, torch.CPU, Nullable 1, Nullable(), Nullable true)
              let live () = torch.Tensor.TotalCount
              stream.Epoch 1 |> Seq.iter ignore
              let before = live ()

              for epoch in 2..300 do
                  stream.Epoch epoch |> Seq.iter ignore

              Expect.equal (live ()) before "tensors"
          }

          test "A set that is not in memory is read on the host, even for a GPU" {
              let _, set = Sets.randomSet Sets.colour count

              let elsewhere =
                  { new IImageSet with
                      member _.Count = count
                      member _.Shape = Sets.colour
                      member _.Label index = set.Label index
                      member _.Read(index, augmentation, random, destination) = set.Read(index, augmentation, &random, destination)
                      member _.Dispose() = () }

              Expect.equal (batches elsewhere Sets.mild (Nullable()) true) (batches set Sets.mild (Nullable()) false) "batches"
          }

          test "libtorch gives the address of a tensor's data, and of a view's" {
              use tensor = torch.arange (10, dtype = torch.ScalarType.Float32)
              use view = tensor.narrow (0, 3, 4)
              let distance = address view - address tensor
              Expect.isTrue Dispatcher.HasAddresses "it can"
              Expect.equal distance 12n "three numbers further"
          } ]
