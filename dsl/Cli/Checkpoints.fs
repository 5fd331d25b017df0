/// Checkpoints that the command line is given.
module ChannelDistillation.Cli.Checkpoints

open System.IO
open ChannelDistillation
open ChannelDistillation.Checkpoints

/// A file that cannot be read is something outside: exit 3.
let opened (path: string) =
    try
        CheckpointFile.Open path
    with :? InvalidDataException as error ->
        raise (MissingException(error.Message, error))
