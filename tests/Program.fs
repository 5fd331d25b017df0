module ChannelDistillation.Tests.Program

open ChannelDistillation.Native
open ChannelDistillation.Tests.Suite

/// Arguments: none, `--filter TEXT` or `--skip TEXT`. The last line is always `N passed, N failed, N skipped`. Tests run in processes that this
/// program starts from itself, as do the workers of sweeps in tests.
[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | "sweep" :: _ ->
        ExternalTorch.Load()
        Lab.Workers.TestWorker.work arguments
    | [ "scarce-memory" ] ->
        ExternalTorch.Load()
        Runtime.Training.ScarceMemoryTests.work ()
    | [ "convolutions" ] ->
        ExternalTorch.Load()
        Runtime.Models.Layers.ConvolutionTests.work ()
    | "worker" :: pipe :: arguments ->
        ExternalTorch.Load()

        match Selection.ofArguments arguments with
        | Ok selection -> TestWorker.work pipe selection
        | Error problem -> failwith problem
    | arguments ->
        match Selection.ofArguments arguments with
        | Ok selection -> Supervisor.run selection arguments
        | Error problem ->
            eprintfn "%s" problem
            2
