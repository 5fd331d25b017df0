namespace ChannelDistillation.Tests

open System
open System.IO

/// The repository that the tests run in.
module Repository =
    let root =
        let rec up (folder: DirectoryInfo) =
            if File.Exists(Path.Combine(folder.FullName, "ChannelDistillation.sln")) then
                folder.FullName
            else
                up folder.Parent

        up (DirectoryInfo AppContext.BaseDirectory)

    let private gate = obj ()

    /// With the repository as the current folder, as the command line has it.
    let inRoot (action: unit -> 'result) =
        lock gate (fun () ->
            let before = Environment.CurrentDirectory
            Environment.CurrentDirectory <- root

            try
                action ()
            finally
                Environment.CurrentDirectory <- before)
