module ChannelDistillation.Tests.Cli.MemoryTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running

/// Four networks of 100 MB each that are quickly trained: most of their layers see an image of one pixel.
let private experiment =
    "experiment: large
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet50, stem: imagenet }
train:
  epochs: 1
  batch: 10
  optimizer: { sgd: { lr: 0.05, momentum: 0.9 } }
  lr_schedule: constant
losses:
  ce: { weight: 1 }
variants:
  plain: [ce]
seeds: [0]
grid:
  product: { losses.ce.weight: [1, 2, 3, 4] }
"

let private lanes = 4

/// Enough for a step of two networks, not of four.
let private headroom = 350L * 1024L * 1024L

/// The exit code of a process that SIGABRT ended.
let private aborted = 134

let private arguments = [ "sweep"; "large.yaml"; "--out"; "runs"; "--threads"; "1"; "--no-worker" ]

let private count (folder: TemporaryFolder) (file: string) =
    let runs = folder.File "runs/large"

    if Directory.Exists runs then
        Directory.GetFiles(runs, file, SearchOption.AllDirectories).Length
    else
        0

let private waitUntil (started: Started) what condition =
    let clock = Stopwatch.StartNew()

    while not (condition ()) do
        if started.HasEnded then
            let code, output, errors = started.End()
            // .NET itself may be the one that finds no memory, and ends the process; what was saved is whole.
            if code = aborted then
                skiptest "the limit met .NET before it met libtorch"

            failtest $"it ended with {code}, not {what}:\n{output}{errors}"

        if clock.Elapsed > TimeSpan.FromMinutes 3.0 then
            failtest $"three minutes went by, not {what}"

        Thread.Sleep 50

/// From now on it gets no more than so many bytes beyond those that it has.
let private limit (started: Started) (bytes: int64) =
    let now =
        File.ReadLines $"/proc/{started.Id}/status"
        |> Seq.find _.StartsWith("VmSize:")
        |> fun line -> 1024L * Int64.Parse(line.Split([| ' '; '\t' |], StringSplitOptions.RemoveEmptyEntries)[1])

    use prlimit = Process.Start("prlimit", [ "--pid"; string started.Id; $"--as={now + bytes}" ])
    prlimit.WaitForExit()
    Expect.equal prlimit.ExitCode 0 "prlimit"

[<Tests>]
let tests =
    testSequenced
    <| testList
        "memory"
        [ test "that does not suffice halves a cohort, which goes on" {
              if not (File.Exists "/usr/bin/prlimit") then
                  skiptest "the memory of a process can be limited with util-linux' prlimit only"

              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "large.yaml", experiment)
              use started = new Started(folder.Path, arguments)
              waitUntil started "all there" (fun () -> count folder "run.json" = lanes)
              limit started headroom
              // The first checkpoint within an epoch is that of a run which has to wait.
              waitUntil started "halved" (fun () -> count folder "latest.state.safetensors" > 0)
              Thread.Sleep 1000
              started.Terminate()
              let code, output, errors = started.End()

              if code = aborted then
                  skiptest "the limit met .NET before it met libtorch"

              expectExit 130 (code, output, errors)
              Expect.stringContains output "Out of memory: training goes on with 2 of 4 runs; the others follow." "what is said"
              Expect.isFalse (output.Contains "failed") $"none is given up:\n{output}"
          } ]
