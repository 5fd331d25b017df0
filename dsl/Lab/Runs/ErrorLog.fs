/// Writes the details of internal errors.
module ChannelDistillation.Lab.Runs.ErrorLog

open System
open System.IO

/// Writes the stack trace to a private folder with an unpredictable name in the temporary directory. Returns the path of the file, or the stack
/// trace if it cannot be written.
let write (error: exn) : string =
    try
        let file = Path.Combine(Directory.CreateTempSubdirectory("channel-distillation-error-").FullName, "error.log")
        File.WriteAllText(file, string error)
        file
    with
    | :? IOException
    | :? UnauthorizedAccessException -> string error
