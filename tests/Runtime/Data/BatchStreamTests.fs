module ChannelDistillation.Tests.Runtime.Data.BatchStreamTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data

let count = 53
let _, set = Sets.randomSet Sets.colour count

type Seen = { Indices: int list; Labels: int64 list; Pixels: float32 list; Shape: int64 list }

let see (batch: Batch) =
    { Indices = Seq.toList (batch.Indices.ToArray())
      Labels = Seq.toList (batch.Labels.data<int64>())
      Pixels = Seq.toList (batch.Images.data<float32>())
      Shape = Seq.toList batch.Images.shape }

let stream (threads: int) batch shuffle =
    new BatchStream(set, batch, (if shuffle then Sets.mild else AugmentationSpec.None), 5L, shuffle, torch.CPU, Nullable threads)

let epochs threads batch shuffle last =
    use stream = stream threads batch shuffle
    [ for epoch in 1..last -> stream.Epoch epoch |> Seq.map see |> Seq.toList ]

/// An image set that calls a function for each image that is read.
type Acting(act: unit -> unit) =
    interface IImageSet with
        member _.Count = count
        member _.Shape = Sets.colour
        member _.Label index = set.Label index
        member _.Read(_, _, _, _) = act ()
        member _.Dispose() = ()

/// An image set with one unreadable image.
type Faulty(bad: int) =
    interface IImageSet with
        member _.Count = count
        member _.Shape = Sets.colour
        member _.Label index = set.Label index

        member _.Read(index, augmentation, random, destination) =
            if index = bad then
                failwith $"image {index} is broken"

            set.Read(index, augmentation, &random, destination)

        member _.Dispose() = ()

[<Tests>]
let tests =
    testList
        "batch stream"
        [ test "With views, an epoch shows the images of its view's epoch, in its own order" {
              let images views epoch =
                  use stream = new BatchStream(set, 8, Sets.mild, 5L, true, torch.CPU, Nullable 2, views)

                  [ for batch in stream.Epoch epoch do
                        let seen = see batch
                        yield! List.zip seen.Indices (List.chunkBySize (seen.Pixels.Length / seen.Indices.Length) seen.Pixels) ]

              let endless, two = images (Nullable()), images (Nullable 2)
              Expect.equal [ for epoch in 1..2 -> two epoch ] [ for epoch in 1..2 -> endless epoch ] "the first epochs"
              Expect.equal (Map(two 3)) (Map(two 1)) "the third shows what the first does"
              Expect.equal (Map(two 4)) (Map(two 2)) "the fourth what the second does"
              Expect.notEqual (List.map fst (two 3)) (List.map fst (two 1)) "in another order"
              Expect.notEqual (Map(two 1)) (Map(two 2)) "views differ"
          }

          test "An epoch shows every image once, in an order that is a function of seed and epoch" {
              let order seed epoch = EpochOrder(1000, seed, true).Of epoch
              Expect.equal (Array.sort (order 1L 1)) [| 0..999 |] "a permutation"
              Expect.equal (order 1L 1) (order 1L 1) "the same again"
              Expect.notEqual (order 1L 1) (order 1L 2) "another epoch"
              Expect.notEqual (order 1L 1) (order 2L 1) "another seed"
              Expect.equal (EpochOrder(8, 0L, true).Of 1) [| 1; 6; 5; 4; 7; 0; 2; 3 |] "stored results depend on it: it never changes"
          }

          test "Batches do not depend on the number of threads" {
              let one = epochs 1 8 true 3
              Expect.equal (epochs 2 8 true 3) one "2 threads"
              Expect.equal (epochs 3 8 true 3) one "3 threads"
              Expect.equal (epochs 3 count true 3 |> List.map List.length) [ 1; 1; 1 ] "one batch an epoch"
          }

          test "Batches follow the order of the epoch, with matching images and labels" {
              for epoch, batches in epochs 1 8 true 2 |> List.indexed do
                  let order = EpochOrder(count, 5L, true).Of(epoch + 1)
                  Expect.equal (batches |> List.collect _.Indices) (Array.toList order) "indices"
                  Expect.equal (batches |> List.collect _.Labels) [ for i in order -> int64 (i % 7) ] "labels"

                  let image index =
                      let mutable random = Randomness(5L, Purpose.Augmentation, int64 epoch + 1L, int64 index)
                      let pixels = Array.zeroCreate<float32> 90
                      set.Read(index, Sets.mild, &random, Span pixels)
                      Array.toList pixels

                  Expect.equal (batches |> List.collect _.Pixels) (List.collect image (Array.toList order)) "pixels"
          }

          test "The last, smaller batch is kept" {
              use stream = stream 1 8 true
              let batches = stream.Epoch 1 |> Seq.map see |> Seq.toList
              Expect.equal stream.StepsPerEpoch 7 "steps"
              Expect.equal (batches |> List.map _.Shape) [ yield! List.replicate 6 [ 8L; 3L; 6L; 5L ]; [ 5L; 3L; 6L; 5L ] ] "shapes"
              Expect.equal (batches |> List.map _.Labels.Length) [ 8; 8; 8; 8; 8; 8; 5 ] "labels"
          }

          test "A batch larger than the set contains the whole set" {
              use stream = stream 1 100 false
              Expect.equal (stream.Epoch 1 |> Seq.map see |> Seq.map _.Indices |> Seq.toList) [ [ 0 .. count - 1 ] ] "all, in order"
          }

          test "An epoch entered at a step gives the rest of the whole epoch" {
              let whole = epochs 1 8 true 2
              use stream = stream 2 8 true
              Expect.equal (stream.Epoch(2, 3) |> Seq.map see |> Seq.toList) (List.skip 3 whole[1]) "from step 3 of epoch 2"
              Expect.equal (stream.Epoch(1, 6) |> Seq.map see |> Seq.toList) (List.skip 6 whole[0]) "the last step of epoch 1"
              Expect.equal (stream.Epoch(2) |> Seq.map see |> Seq.toList) whole[1] "on into epoch 2"
              Expect.isEmpty (stream.Epoch(1, 7)) "nothing after the last step"
          }

          test "Exiting an epoch early does not affect the next one" {
              let whole = epochs 1 8 true 2
              use stream = stream 2 8 true

              for attempt in 1..50 do
                  let epoch = 1 + attempt % 2

                  Expect.equal
                      (stream.Epoch epoch |> Seq.truncate (attempt % 8) |> Seq.map see |> Seq.toList)
                      (List.truncate (attempt % 8) whole[epoch - 1])
                      "prefix"
          }

          test "Validation images are unchanged and in the order of the set in every epoch" {
              let batches = epochs 2 10 false 3
              Expect.equal (batches[0] |> List.collect _.Indices) [ 0 .. count - 1 ] "order"
              Expect.equal batches[1] batches[0] "second time"
              Expect.equal batches[2] batches[0] "third time"
          }

          test "An error in a worker is thrown at its batch, and reading can start again" {
              use stream = new BatchStream(new Faulty(20), 8, AugmentationSpec.None, 5L, false, torch.CPU, 2)

              for _ in 1..3 do
                  let mutable whole = 0

                  Expect.throwsC
                      (fun () ->
                          for _ in stream.Epoch 1 do
                              whole <- whole + 1)
                      (fun error -> Expect.equal error.Message "image 20 is broken" "message")

                  Expect.equal whole 2 "batches before it"

              Expect.equal (stream.Epoch(1, 3) |> Seq.length) 4 "batches after it"
          }

          test "A second reader of a stream is refused" {
              use stream = stream 1 8 true
              use first = (stream.Epoch 1).GetEnumerator()
              first.MoveNext() |> ignore

              Expect.throwsC (fun () -> stream.Epoch 1 |> Seq.length |> ignore) (fun error ->
                  Expect.equal error.Message "The batches of this stream are already being read; a stream has one reader at a time." "message")
          }

          test "A stream that is unread or left early can be closed twice" {
              for steps in 0..20 do
                  use stream = stream 3 8 true
                  stream.Epoch 1 |> Seq.truncate (steps % 8) |> Seq.iter ignore
                  stream.Dispose()
          }

          test "A stream closed while a batch is being read reads no further image" {
              use reading = new ManualResetEventSlim()
              use proceed = new ManualResetEventSlim()
              let images = ref 0

              let act () =
                  images.Value <- images.Value + 1
                  reading.Set()
                  proceed.Wait()

              let stream = new BatchStream(new Acting(act), 8, AugmentationSpec.None, 5L, false, torch.CPU, 1)
              let reader = Task.Factory.StartNew((fun () -> Seq.head (stream.Epoch 1)), TaskCreationOptions.LongRunning)
              reading.Wait()
              let closing = Task.Factory.StartNew(stream.Dispose, TaskCreationOptions.LongRunning)
              // The reader is notified at once, while the thread that reads the image is still running.
              Expect.throwsT<ObjectDisposedException> (fun () -> reader.GetAwaiter().GetResult() |> ignore) "the reader"
              proceed.Set()
              closing.Wait()
              Expect.equal images.Value 1 "images"
          }

          test "Reading a closed stream is an error" {
              let stream = stream 1 8 true
              use reader = (stream.Epoch 1).GetEnumerator()
              reader.MoveNext() |> ignore
              stream.Dispose()
              Expect.throwsT<ObjectDisposedException> (fun () -> reader.MoveNext() |> ignore) "while it is read"
              Expect.throwsT<ObjectDisposedException> (fun () -> Seq.iter ignore (stream.Epoch 1)) "anew"
          }

          test "The time that the reader waits is measured" {
              let reader = Thread.CurrentThread

              let act () =
                  SpinWait.SpinUntil(fun () -> reader.ThreadState.HasFlag ThreadState.WaitSleepJoin)
                  Thread.Sleep 20

              use stream = new BatchStream(new Acting(act), 8, AugmentationSpec.None, 5L, false, torch.CPU, 1)
              stream.Epoch 1 |> Seq.head |> ignore

              Expect.isGreaterThanOrEqual
                  stream.Waited
                  (TimeSpan.FromMilliseconds 140.0)
                  "8 images, 20 ms each, of which the first may have begun before"
          }

          // Tensors are counted across all threads, so no other test may run.
          testSequenced
          <| test "Reading a stream creates no tensors" {
              use scope = torch.NewDisposeScope()
              use stream = stream 2 8 true
              stream.Epoch 1 |> Seq.iter ignore
              let before = torch.Tensor.TotalCount, torch.Tensor.PeakCount

              for epoch in 2..20 do
                  stream.Epoch epoch |> Seq.iter ignore

              Expect.equal (torch.Tensor.TotalCount, torch.Tensor.PeakCount) before "live tensors"
          }

          test "The buffers of a stream outlive the dispose scope in which it was created" {
              let scope = torch.NewDisposeScope()
              use stream = stream 1 8 true
              scope.Dispose()
              Expect.equal [ stream.Epoch 1 |> Seq.map see |> Seq.toList ] (epochs 1 8 true 1) "batches"
          } ]
