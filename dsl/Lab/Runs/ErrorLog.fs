/// Where the details of a mistake of ours go.
module ChannelDistillation.Lab.Runs.ErrorLog

open System
open System.IO

/// Into a folder of this user alone, in the temporary directory, with a name that nobody can know before. The result is the file, or the details
/// themselves where they cannot be written.
let write (error: exn) : string =
    try
        let file = Path.Combine(Directory.CreateTempSubdirectory("channel-distillation-error-").FullName, "error.log")
        File.WriteAllText(file, string error)
        file
    with
    | :? IOException
    | :? UnauthorizedAccessException -> string error
