/// Pipes and devices in place of a file. The program runs as a process with a time limit, because opening a pipe without a writer blocks forever.
namespace ChannelDistillation.Tests.Runtime.Core

open System
open System.Runtime.InteropServices
open Expecto

module SpecialFiles =
    [<DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)>]
    extern int private makePipe(string path, int mode)

    /// Creates a pipe without a writer.
    let pipe (path: string) =
        if OperatingSystem.IsWindows() then
            skiptest "Windows has no pipes among its files"

        Expect.equal (makePipe (path, 0o600)) 0 $"mkfifo {path}"
