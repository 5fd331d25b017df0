/// Checkpoints that the command line is given.
module ChannelDistillation.Cli.Checkpoints

open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Checkpoints

/// A file that cannot be read, or that holds other weights than those that are wanted, is something outside: exit 3.
let usable (work: unit -> 'result) : 'result =
    try
        work ()
    with :? InvalidDataException as error ->
        raise (MissingException(error.Message, error))

let opened (path: string) = usable (fun () -> CheckpointFile.Open path)

/// Whether it is as it was written, where it says how that was.
let verify (file: CheckpointFile) = usable file.Verify
