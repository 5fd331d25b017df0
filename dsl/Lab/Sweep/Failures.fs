namespace ChannelDistillation.Lab.Sweep

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// Checks whether files can be written to a folder.
module Writing =
    /// Larger than what could still fit into a partly used block of a full disk.
    let private probe: byte array = Array.zeroCreate 8192

    let private isFull (error: exn) =
        // ENOSPC, EDQUOT, and ERROR_DISK_FULL of Windows.
        List.contains error.HResult [ 28; 122; 0x80070070 ]

    let private attempt (folder: string) : exn option =
        try
            Directory.CreateDirectory folder |> ignore
            let file = AtomicFile.Beside(Path.Combine(folder, "probe"))

            try
                File.WriteAllBytes(file, probe)
            finally
                File.Delete file

            None
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Some error

    let isPossible (folder: string) = (attempt folder).IsNone

    /// Called before anything is fetched or trained.
    /// <exception cref="UsageError">The path is not a folder, or not writable.</exception>
    /// <exception cref="MissingException">The disk is full.</exception>
    let require (folder: string) =
        match attempt folder with
        | None -> ()
        | Some error when isFull error ->
            raise (MissingException($"The disk of {folder} is full: {error.Message} Free space, then repeat the command.", error))
        | Some error -> raise (UsageError $"Cannot write to {folder}: {error.Message} Choose another folder with --out.")

/// Collects what prevents some runs from being trained, while the others continue.
type Failures(folder: string) =
    let failures = ResizeArray<string>()
    let missing = ResizeArray<string>()

    /// Teachers that could not be trained.
    member _.Messages = List.distinct (List.ofSeq failures)

    /// Missing files and devices, and files that could not be written.
    member _.Missing = List.distinct (List.ofSeq missing)

    /// Adds the failures of other processes.
    member _.Add(othersFailures: string list, othersMissing: string list) =
        failures.AddRange othersFailures
        missing.AddRange othersMissing

    /// Runs the work and records a failure of it.
    /// <param name="otherwise">The result after a failure.</param>
    /// <exception cref="MissingException">The folder is no longer writable, so that the other runs would fail too.</exception>
    member _.Around (otherwise: 'result) (work: unit -> 'result) : 'result =
        try
            work ()
        with
        | :? TeacherFailedException as failed ->
            failures.Add failed.Message
            otherwise
        | :? MissingException as error when Writing.isPossible folder ->
            missing.Add error.Message
            otherwise
