/// How a script becomes another program.
module Programs

open System
open System.Collections
open System.Diagnostics
open System.IO
open System.Reflection
open System.Runtime.InteropServices

let root = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))
let dotnet = Environment.ProcessPath

/// Ends with a message for the person at the keyboard instead of a stack trace.
let stop (code: int) (message: string) : 'a =
    eprintfn "%s" message
    exit code

[<DllImport("libc", EntryPoint = "execve", SetLastError = true)>]
extern int private replaceProcess(string path, string[] arguments, string[] environment)

[<DllImport("libc", EntryPoint = "prctl")>]
extern int private controlProcess(int option, unativeint value)

/// The `dotnet` command, which waits for this process, passes only SIGTERM on: SIGHUP, SIGUSR1 and SIGKILL end it alone. Linux then sends SIGTERM
/// here, so that what was trained is saved. The setting outlives `execve`.
let private endWithParent () =
    let parentDeathSignal, sigterm = 1, 15un

    if OperatingSystem.IsLinux() then
        controlProcess (parentDeathSignal, sigterm) |> ignore

/// F# Interactive has a folder in the temporary directory, which it removes as its process ends; `execve` ends none. So what it has asked to
/// be called then is called now. Where a version of .NET keeps that elsewhere, the folder stays, as it did before.
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

/// The program takes this process's place, so that signals and the exit code are its own (docs/decisions/0001-one-entry.md).
/// Windows has no such call: there it runs as a child and its exit code is passed on.
let become (arguments: string list) : int =
    let settings = [ ("CHANNEL_DISTILLATION_ROOT", root) ]

    if OperatingSystem.IsWindows() then
        let start = ProcessStartInfo(dotnet, arguments)

        for name, value in settings do
            start.Environment[name] <- value

        use child = Process.Start start
        Console.CancelKeyPress.Add(fun pressed -> pressed.Cancel <- true) // the child decides how to end
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
        stop 1 $"I could not start {dotnet}: error {Marshal.GetLastPInvokeError()} of the operating system."
