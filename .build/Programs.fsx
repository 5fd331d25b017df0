/// Replaces the script by the compiled program.
module Programs

open System
open System.Collections
open System.Diagnostics
open System.IO
open System.Reflection
open System.Runtime.InteropServices

let root = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))
let dotnet = Environment.ProcessPath

/// Exits with a message instead of a stack trace.
let stop (code: int) (message: string) : 'a =
    eprintfn "%s" message
    exit code

[<DllImport("libc", EntryPoint = "execve", SetLastError = true)>]
extern int private replaceProcess(string path, string[] arguments, string[] environment)

[<DllImport("libc", EntryPoint = "prctl")>]
extern int private controlProcess(int option, unativeint value)

/// The `dotnet` command that waits for this process forwards only SIGTERM; SIGHUP, SIGUSR1 and SIGKILL end only that command. This setting makes Linux
/// send SIGTERM here in that case, so that the state of runs is saved. It survives `execve`.
let private endWithParent () =
    let parentDeathSignal, sigterm = 1, 15un

    if OperatingSystem.IsLinux() then
        controlProcess (parentDeathSignal, sigterm) |> ignore

/// F# Interactive removes its temporary folder when its process exits, which `execve` prevents. This calls its exit handlers now. If a version of
/// .NET stores them elsewhere, the folder remains.
let private removeScriptFolder () =
    try
        let field = typeof<AppDomain>.GetField("ProcessExit", BindingFlags.Instance ||| BindingFlags.NonPublic)

        match field.GetValue AppDomain.CurrentDomain with
        | :? EventHandler as handlers ->
            for handler in handlers.GetInvocationList() do
                if handler.Method.Module.Name.StartsWith "FSharp.Compiler" then
                    handler.DynamicInvoke(null, EventArgs.Empty) |> ignore
        | _ -> ()
    with _ ->
        ()

/// Replaces this process by the program, so that it receives signals and sets the exit code itself (docs/decisions/0001-one-entry.md).
/// Windows has no such call; there the program runs as a child, and its exit code is returned.
let become (arguments: string list) : int =
    let settings = [ ("CHANNEL_DISTILLATION_ROOT", root) ]

    if OperatingSystem.IsWindows() then
        let start = ProcessStartInfo(dotnet, arguments)

        for name, value in settings do
            start.Environment[name] <- value

        use child = Process.Start start
        Console.CancelKeyPress.Add(fun pressed -> pressed.Cancel <- true) // the child handles Ctrl+C
        child.WaitForExit()
        child.ExitCode
    else
        let inherited =
            [ for entry in Environment.GetEnvironmentVariables() |> Seq.cast<DictionaryEntry> -> string entry.Key, string entry.Value ]

        let environment =
            [| for name, value in inherited do
                   if not (List.exists (fun (set, _) -> set = name) settings) then
                       yield name + "=" + value
               for name, value in settings do
                   yield name + "=" + value |]

        Console.Out.Flush()
        removeScriptFolder ()
        endWithParent ()
        replaceProcess (dotnet, [| yield dotnet; yield! arguments; yield null |], Array.append environment [| null |]) |> ignore
        stop 1 $"Cannot start {dotnet}: operating system error {Marshal.GetLastPInvokeError()}."
