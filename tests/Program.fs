module ChannelDistillation.Tests.Program

open System
open Expecto
open Expecto.Impl
open ChannelDistillation.Native
open ChannelDistillation.Training

/// Failures as they happen, and nothing of what passes.
let private printer =
    let failure (name: string) (text: string) = async { printfn "FAILED %s\n%s\n" name text }

    { TestPrinters.silent with
        failed = fun name message _ -> failure name message
        exn = fun name error _ -> failure name (string error) }

/// The tests whose full name contains a text.
let private filtered (text: string) = Test.filter " / " (fun names -> String.Join(" / ", names).Contains(text, StringComparison.OrdinalIgnoreCase))

let private runTests (arguments: string array) =
    // Expecto puts a writer of its own in place of this one, which pads lines.
    let output = Console.Out
    let tests = testFromThisAssembly () |> Option.defaultValue (testList "" [])

    let tests =
        match arguments with
        | [||] -> tests
        | [| "--filter"; text |] -> filtered text tests
        | _ -> failwith $"The tests take `--filter TEXT` or nothing, not: {String.Join(' ', arguments)}"

    let config =
        { ExpectoConfig.defaultConfig with
            printer = printer
            failOnFocusedTests = true
            noSpinner = true
            verbosity = Logging.LogLevel.Warn }

    // Tests run side by side; several threads for each of them would only wait for one another, by the minute on a busy machine.
    Devices.UseThreads 1
    NativeWarnings.Silence()
    let summary = evalTestsWithCancel Threading.CancellationToken.None config tests true |> Async.RunSynchronously
    let failed = summary |> List.filter (fun (_, result) -> result.result.isFailed || result.result.isException)
    let passed = summary |> List.filter (fun (_, result) -> result.result.isPassed)

    if passed.IsEmpty && failed.IsEmpty then
        output.WriteLine "No test was run."

    output.WriteLine $"{passed.Length} passed, {failed.Length} failed"
    if failed.IsEmpty && not passed.IsEmpty then 0 else 1

/// Arguments: none, or `--filter TEXT`. The last line is always `N passed, N failed`. A sweep that a test starts with several workers starts this
/// program again for each.
[<EntryPoint>]
let main arguments =
    ExternalTorch.Load()

    if Array.tryHead arguments = Some "sweep" then
        Launch.Workers.TestWorker.work arguments
    else
        runTests arguments
