module ChannelDistillation.Tests.Lab.Workers.ProcessExitTests

open System
open Expecto
open ChannelDistillation.Lab.Workers

[<Tests>]
let tests =
    testList
        "the end of a process"
        [ test "The end of a process names the signal and its meaning" {
              if OperatingSystem.IsWindows() then
                  skiptest "Windows has no signals"

              for code, expected in
                  [ 132, "was killed by SIGILL (an instruction that this CPU does not support)"
                    134, "was killed by SIGABRT (a native library or .NET aborted after an error)"
                    135, "was killed by SIGBUS (a memory access that failed, for example to a file on a full or failing disk)"
                    136, "was killed by SIGFPE (an arithmetic error in native code, such as an integer division by zero)"
                    137, "was killed by SIGKILL (sent by the kernel when memory runs out, or by another process)"
                    139, "was killed by SIGSEGV (an invalid memory access in native code)"
                    143, "was killed by SIGTERM (sent by another process)"
                    159, "was killed by signal 31"
                    1, "exited with code 1"
                    -1073741819, "exited with code -1073741819" ] do
                  Expect.equal (string (ProcessExit.ofExitCode code)) expected $"{code}"
          }

          test "A process that exits after a request to save counts as ended by that signal" {
              Expect.equal (ProcessExit.ofExitCode 130) (BySignal 15) "the program's own code"
          }

          test "Signals that may mean a lack of memory come from outside" {
              let fromOutside =
                  [ 130; 132; 134; 135; 136; 137; 139; 1 ] |> List.filter (fun code -> (ProcessExit.ofExitCode code).IsKilledExternally)

              Expect.equal fromOutside [ 130; 137 ] "SIGTERM and SIGKILL"
          } ]
