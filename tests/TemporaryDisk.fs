namespace ChannelDistillation.Tests

open System
open System.IO
open Expecto

/// A small RAM disk, for tests of full or read-only disks. If mounting is not permitted, the test is skipped.
type TemporaryDisk(megabytes: int) =
    let folder = new TemporaryFolder()

    let mount (arguments: string list) =
        match ChildProcess.Run("mount", arguments) with
        | 0, _, _ -> None
        | _, _, errors -> Some errors

    do
        let refused =
            if OperatingSystem.IsLinux() then
                mount [ "-t"; "tmpfs"; "-o"; $"size={megabytes}m"; "tmpfs"; folder.Path ]
            else
                Some "only on Linux"

        match refused with
        | Some reason ->
            (folder :> IDisposable).Dispose()
            skiptest $"no disk can be mounted here: {reason}"
        | None -> ()

    let filler = folder.File "filler"

    let remount mode =
        mount [ "-o"; $"remount,{mode}"; folder.Path ]
        |> Option.iter (fun reason -> failtest $"the disk could not be made {mode}: {reason}")

    member _.Path = folder.Path
    member _.File(name: string) = folder.File name

    /// Fills the disk except for the given space.
    member this.Fill(leaving: int64) =
        use file = File.Create filler
        let block = Array.zeroCreate 4096

        while DriveInfo(folder.Path).AvailableFreeSpace > max 0L leaving do
            file.Write(block, 0, block.Length)
            file.Flush()

    member _.MakeRoom() = File.Delete filler
    member _.MakeReadOnly() = remount "ro"
    member _.MakeWritable() = remount "rw"

    interface IDisposable with
        member _.Dispose() =
            ChildProcess.Run("umount", [ "-l"; folder.Path ]) |> ignore
            (folder :> IDisposable).Dispose()
