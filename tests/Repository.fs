namespace ChannelDistillation.Tests

open System
open System.IO

/// The repository of the tests.
module Repository =
    let root =
        let rec up (folder: DirectoryInfo) =
            if File.Exists(Path.Combine(folder.FullName, "ChannelDistillation.sln")) then
                folder.FullName
            else
                up folder.Parent

        up (DirectoryInfo AppContext.BaseDirectory)

    let private gate = obj ()

    /// Runs with the repository as the current folder, like the command line.
    let inRoot (action: unit -> 'result) =
        lock gate (fun () ->
            let before = Environment.CurrentDirectory
            Environment.CurrentDirectory <- root

            try
                action ()
            finally
                Environment.CurrentDirectory <- before)
