/// Runs the program as a user would.
module ChannelDistillation.Tests.Cli.Running

open System.IO
open Expecto
open ChannelDistillation.Tests

let private program = Path.Combine(Repository.root, "dsl/Cli/bin/Release/net10.0/channel-distillation.dll")

/// The running program.
/// <param name="root">The folder of data and teachers; default: the repository.</param>
/// <param name="user">The user to run as, if this process may choose; Linux only.</param>
/// <param name="variables">Additional environment variables.</param>
type Started(folder: string, arguments: string list, ?root: string, ?variables: (string * string) list, ?user: int) =
    inherit
        ChildProcess(
            (if user.IsSome then "setpriv" else "dotnet"),
            [ match user with
              | Some id -> yield! [ $"--reuid={id}"; $"--regid={id}"; "--clear-groups"; "dotnet" ]
              | None -> ()
              program
              yield! arguments ],
            folder,
            ("CHANNEL_DISTILLATION_ROOT", defaultArg root Repository.root) :: defaultArg variables []
        )

    member this.Terminate() = this.Signal "TERM"

/// Exit code, standard output and standard error.
let run folder arguments =
    use started = new Started(folder, arguments)
    started.End()

let expectExit expected (code, output, errors) = Expect.equal code expected $"exit code; it wrote:\n{output}{errors}"
