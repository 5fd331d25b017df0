namespace ChannelDistillation.Lab.Sweep

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// Whether files can be written to a folder.
module Writing =
    /// More than what may fit into the rest of a block of a disk that is full.
    let private probe: byte array = Array.zeroCreate 8192

    let private isFull (error: exn) =
        // No space left on device, quota exceeded; and Windows' disk full.
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

    /// Found out before anything is fetched or trained.
    /// <exception cref="UsageError">The folder is none, or none of ours.</exception>
    /// <exception cref="MissingException">The disk is full.</exception>
    let require (folder: string) =
        match attempt folder with
        | None -> ()
        | Some error when isFull error ->
            raise (MissingException($"There is no room in {folder}: {error.Message} Make room, and repeat the command.", error))
        | Some error -> raise (UsageError $"Nothing can be written to {folder}: {error.Message} Choose another folder with --out.")

/// What keeps some runs from being trained, while the others go on.
type Failures(folder: string) =
    let failures = ResizeArray<string>()
    let missing = ResizeArray<string>()

    /// Teachers that could not be trained.
    member _.Messages = List.distinct (List.ofSeq failures)

    /// What is not there, and files that could not be written.
    member _.Missing = List.distinct (List.ofSeq missing)

    /// Notes what other processes have met.
    member _.Add(othersFailures: string list, othersMissing: string list) =
        failures.AddRange othersFailures
        missing.AddRange othersMissing

    /// Does some work; where it cannot be done, that is noted.
    /// <param name="otherwise">The result then.</param>
    /// <exception cref="MissingException">Nothing at all can be written any more: the other runs would fare no better.</exception>
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
