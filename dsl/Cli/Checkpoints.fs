/// Opens the checkpoints that are named on the command line.
module ChannelDistillation.Cli.Checkpoints

open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Checkpoints

/// Reports a file that is unreadable or has unsuitable weights as a MissingException (exit code 3).
let usable (work: unit -> 'result) : 'result =
    try
        work ()
    with :? InvalidDataException as error ->
        raise (MissingException(error.Message, error))

let opened (path: string) = usable (fun () -> CheckpointFile.Open path)

/// Verifies the checksums that the file contains, if any.
let verify (file: CheckpointFile) = usable file.Verify
