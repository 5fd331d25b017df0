/// Requirements for training on a GPU that can be tested without one.
module ChannelDistillation.Tests.Runtime.Training.DeviceTests

open System
open System.IO
open System.Text.RegularExpressions
open System.Runtime.InteropServices
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Native
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

/// A run with cross-entropy and, unless it is that, one other loss.
let private taught (name: string) =
    let others = if name = "ce" then [] else [ loss name 0.5 always ]
    spec teacher (train 1 0.05) (loss "ce" 1.0 always :: others)

/// Simulates memory for this many runs; the next one runs out of memory.
let private roomFor most =
    let mutable taken = 0

    Func<IDisposable>(fun () ->
        taken <- taken + 1

        if taken > most then
            raise (ExternalException "CUDA out of memory. Tried to allocate 2.00 GiB")

        null)

[<Tests>]
let tests =
    testList
        "training on a device"
        [ // Tensors of the device `meta` have shapes but no data: reading a value throws.
          test "The sums of an epoch are updated without reading a value from the device" {
              use _ = torch.NewDisposeScope()
              let meta = torch.META
              use meter = new EpochMeter(1, meta)
              let logits, labels = torch.randn ([| 4L; 10L |], device = meta), torch.zeros (4L, torch.ScalarType.Int64, device = meta)
              meter.Add([| logits.mean () |], logits, labels)
              Expect.throwsT<ExternalException> (fun () -> meter.Read() |> ignore) "reading the sums"
          }

          test "Values are read from the device in few places, none of which is part of a step" {
              let reading =
                  Regex @"\.(item<|cpu\(\)|data<|bytes\b|ToSingle\(|ToDouble\(|ToInt\w*\(|ToBoolean\(|nonzero\(|masked_select\(|allclose\()"

              let files =
                  [ for folder in [ "Losses"; "Models"; "Teachers"; "Training"; "Tracking" ] do
                        for file in Directory.EnumerateFiles(Path.Combine(Repository.root, "runtime", folder), "*.cs", SearchOption.AllDirectories) do
                            if reading.IsMatch(File.ReadAllText file) then
                                Path.GetFileNameWithoutExtension file ]

              Expect.containsAll
                  [ "ClassSimilarityCache" // before the first step
                    "EpochMeter" // at an epoch's end; on the CPU after each step
                    "Lane" // before its state is saved
                    "LogitsFile" // after each batch of an evaluation with `--logits`
                    "SampleImages" // once in a run
                    "ScriptedNetwork" // once, when its weights are read
                    "SignalStore" ] // in the first epochs of a cached teacher
                  files
                  "files that read"
          }

          test "A cohort that does not fit in the device's memory is split into parts of equal size" {
              use folder = new TemporaryFolder()
              let runs = [| for seed in 1..7 -> lane folder "runs" ($"run {seed}", taught "kd") |]

              let split most =
                  let said = ResizeArray<string>()
                  let parts = LaneFit.Split(runs, torch.CPU, roomFor most, Action<string> said.Add)
                  [ for part in parts -> [ for lane in part -> lane.Name ] ], List.ofSeq said

              let names numbers = [ for n in numbers -> $"run {n}" ]
              Expect.equal (split 7) ([ names [ 1..7 ] ], []) "all fit"

              Expect.equal
                  (split 3)
                  ([ names [ 1..3 ]; names [ 4..6 ]; names [ 7 ] ],
                   [ "GPU memory holds 3 of 7 runs at a time (measured): they are trained in 3 parts, one after the other." ])
                  "three fit"

              Expect.hasLength (fst (split 1)) 7 "one fits"
              Expect.hasLength (fst (split 0)) 7 "or none"
          }

          test "An out-of-memory error of libtorch is recognised, whichever library reports it" {
              let means message = DeviceErrors.IsOutOfMemory(ExternalException message, torch.CPU)

              for message in
                  [ "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB of which 14.56 MiB is free."
                    "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call"
                    "CUDA driver error: out of memory"
                    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"
                    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"
                    "FIND was unable to find an engine to execute this computation"
                    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"
                    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
                    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4398046511104 bytes." ] do
                  Expect.isTrue (means message) message

              Expect.isFalse (means "CUDA error: device-side assert triggered") "another error"
          }

          test "An error with several causes counts as out of memory only if the GPU has little memory left" {
              let means (free: int64) message =
                  let memory = Func<Nullable<struct (int64 * int64)>>(fun () -> Nullable(struct (free <<< 20, 80000L <<< 20)))
                  DeviceErrors.IsOutOfMemory(ExternalException message, memory)

              for message in
                  [ "FIND was unable to find an engine to execute this computation"
                    "cuDNN error: No valid execution plans built."
                    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`" ] do
                  Expect.isTrue (means 300L message) $"300 MiB free: {message}"
                  Expect.isFalse (means 60000L message) $"60000 MiB free: {message}"

              Expect.isTrue (means 60000L "CUDA out of memory. Tried to allocate 70.00 GiB") "an error with one cause"
          }

          test "A single run that does not fit in memory reports libtorch's message, without the stack trace" {
              Expect.equal
                  (DeviceErrors.InWords(
                      ExternalException "CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from malloc at ...\nframe #0: ...",
                      torch.CPU
                  ))
                  "Not enough memory, even for this run alone. Use a smaller batch. libtorch: CUDA out of memory. Tried to allocate 2.00 GiB."
                  "message"
          }

          test "Errors after which the GPU is unusable are distinguished from errors of one run" {
              let isLost message = DeviceErrors.IsDeviceLost(ExternalException message, torch.CPU)

              for message in
                  [ "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported at some other API call"
                    "CUDA error: an illegal memory access was encountered"
                    "CUDA error: unspecified launch failure"
                    "CUDA error: uncorrectable ECC error encountered"
                    "CUDA error: CUDA-capable device(s) is/are busy or unavailable"
                    "CUDA error: the device is no longer available"
                    "CUDA error: no kernel image is available for execution on the device"
                    "CUDA error: unknown error" ] do
                  Expect.isTrue (isLost message) message

              for message in
                  [ "CUDA out of memory. Tried to allocate 20.00 MiB."
                    "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1" ] do
                  Expect.isFalse (isLost message) message

              Expect.isFalse (DeviceErrors.IsDeviceLost(InvalidOperationException "unknown error", torch.CPU)) "what is not libtorch's"
          }

          test "A GPU that libtorch was not built for is distinguished from one that has failed" {
              let message = "CUDA error: no kernel image is available for execution on the device"

              Expect.equal
                  (DeviceLostException(message + ".", ExternalException message)).Message
                  ($"The GPU cannot be used: {message}. This libtorch has no code for this type of GPU. To train on the CPU: --device cpu")
                  "message"
          }

          test "An out-of-memory error outside of runs is a MissingException with libtorch's message" {
              let message =
                  try
                      DeviceErrors.TranslateErrors(torch.CPU, fun () -> raise (ExternalException "CUDA out of memory. Tried to allocate 1.00 GiB."))
                  with :? MissingException as missing ->
                      missing.Message

              Expect.equal
                  message
                  "Not enough memory on cpu; other programs may be using it. libtorch: CUDA out of memory. Tried to allocate 1.00 GiB."
                  "message"
          }

          test "An operation without a deterministic implementation is named in the run's message" {
              let message =
                  "adaptive_max_pool2d_backward_cuda does not have a deterministic implementation, but you set "
                  + "'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this operation."

              Expect.equal
                  (DeviceErrors.InWords(ExternalException message, torch.CPU))
                  "adaptive_max_pool2d_backward_cuda has no deterministic implementation on a GPU: train this run without --deterministic."
                  "message"
          }

          test "The peak memory is recorded with the session" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" ("student", spec null (train 1 0.05) [ loss "ce" 1.0 always ])
              CohortTrainer.Train([| run |], options folder, Watcher().On, Threading.CancellationToken.None)
              let session = Sessions.Counting(nonNull (RunFolder(run.Folder).ReadRun())) |> Seq.last
              let peak = int64 (string session["peak_memory_mib"])
              Expect.isGreaterThan peak 100L "libtorch alone takes more"
              Expect.isLessThan peak (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >>> 20) "no more than there is"
          } ]
