/// Builds a project if its sources have changed.
module Building

open System.Diagnostics
open System.IO
open System.Text
open System.Threading
open Programs
open Stamps

/// Runs `dotnet` with hidden output. Returns the exit code and the output.
let runHidden (arguments: string list) =
    let start =
        ProcessStartInfo(dotnet, arguments, WorkingDirectory = root, RedirectStandardOutput = true, RedirectStandardError = true)

    // Build servers outlive the build and would keep its pipes open.
    start.Environment["MSBUILDDISABLENODEREUSE"] <- "1"
    use child = Process.Start start
    let written = StringBuilder()

    let collect (line: DataReceivedEventArgs) =
        if not (isNull line.Data) then
            lock written (fun () -> written.AppendLine line.Data |> ignore)

    child.OutputDataReceived.Add collect
    child.ErrorDataReceived.Add collect
    child.BeginOutputReadLine()
    child.BeginErrorReadLine()
    child.WaitForExit()
    child.ExitCode, written.ToString()

let runShown (arguments: string list) =
    use child = Process.Start(ProcessStartInfo(dotnet, arguments, WorkingDirectory = root))
    child.WaitForExit()
    child.ExitCode

/// Runs one build at a time, because two would write the same files. The operating system releases the lock of a killed build.
let private withBuildLock (work: unit -> 'a) =
    Directory.CreateDirectory(at "dsl/Cli/bin") |> ignore

    let rec acquire announced =
        try
            new FileStream(at "dsl/Cli/bin/lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
        with :? IOException ->
            if not announced then
                eprintfn "Another process is building; waiting for it ..."

            Thread.Sleep 200
            acquire true

    use _ = acquire false
    work ()

/// Builds a project unless its last build was of the same sources. Silent if up to date.
let build (target: Target) (requested: string option) =
    let backend = backendOf requested

    if not (isUpToDate target backend) then
        withBuildLock (fun () ->
            if not (isUpToDate target backend) then
                let sources, _ = hashes target backend
                let lockFiles () = set (Directory.GetFiles(at target.Project, "*.lock.json"))
                let lockFilesBefore = lockFiles ()

                if backend = "cuda" && backendOf None <> "cuda" then
                    eprintfn "The first CUDA build downloads several gigabytes of libtorch."

                eprintf "Building %s (%s) ... " target.Project backend
                let clock = Stopwatch.StartNew()

                let code, output =
                    runHidden [ "build"; target.Project; "-c"; "Release"; "-v"; "quiet"; "-nologo"; $"-p:TorchBackend={backend}" ]

                if code <> 0 then
                    eprintfn "failed after %.0f s." clock.Elapsed.TotalSeconds
                    // NuGet leaves incomplete lock files after an error.
                    lockFiles () - lockFilesBefore |> Set.iter File.Delete

                    match Packages.missing backend (backendOf None) output with
                    | Some message -> stop 3 message
                    | None -> stop 1 output

                eprintfn "%.0f s" clock.Elapsed.TotalSeconds

                for advisory in Packages.advisories output do
                    eprintfn "Warning: %s" advisory

                for line in output.Split '\n' do
                    if line.TrimStart().StartsWith "TorchSharp:" then
                        eprintfn "%s" (line.Trim())

                File.WriteAllText(stampOf target, sources + snd (hashes target backend))
                File.WriteAllText(lastBackend, backend))
