/// Pipes and devices where a file is expected. The program is run as a process with a time limit: opening a pipe that nobody writes to never ends.
namespace ChannelDistillation.Tests.Runtime.Core

open System
open System.Runtime.InteropServices
open Expecto

module SpecialFiles =
    [<DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)>]
    extern int private makePipe(string path, int mode)

    /// Makes a pipe that nobody writes to.
    let pipe (path: string) =
        if OperatingSystem.IsWindows() then
            skiptest "Windows has no pipes among its files"

        Expect.equal (makePipe (path, 0o600)) 0 $"mkfifo {path}"
