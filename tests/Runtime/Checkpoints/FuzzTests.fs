module ChannelDistillation.Tests.Runtime.Checkpoints.FuzzTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests

/// Memory limit for reading a file of a few kilobytes.
let private mostBytes = 64L <<< 20

/// Flips a few bytes, mostly in the description, or truncates the file, or duplicates a part.
let private damage (random: Random) (bytes: byte[]) =
    let copy = Array.copy bytes

    match random.Next 8 with
    | 0 -> Array.truncate (random.Next bytes.Length) copy
    | 1 ->
        let at = random.Next bytes.Length
        Array.concat [ copy[.. at - 1]; copy[random.Next bytes.Length ..]; copy[at..] ]
    | _ ->
        for _ in 0 .. random.Next 4 do
            let at = random.Next bytes.Length

            copy[at] <-
                match random.Next 3 with
                | 0 -> byte (random.Next 256)
                | 1 -> copy[at] ^^^ (1uy <<< random.Next 8)
                | _ -> [| 0uy; 0x7fuy; 0x80uy; 0xffuy; byte '('; byte 'R'; byte 'h'; byte '0' |][random.Next 8]

        copy

/// Reads everything that can be read; any outcome other than a value or a refusal is an error.
let private readAll path =
    use _ = torch.NewDisposeScope()

    try
        use file = CheckpointFile.Open path
        file.Verify()

        for set in file.Sets do
            file.FirstNonFinite set |> ignore

            for tensor in set.Tensors do
                if tensor.Type.IsReadable then
                    (file.Read tensor).Dispose()

        true
    with :? InvalidDataException as error ->
        Expect.stringStarts error.Message path "the message names the file"
        false

let private golden name = File.ReadAllBytes(Golden.path (Path.Combine("checkpoints", name)))

/// A file written by this program, with a checksum.
let private ours () =
    use _ = torch.NewDisposeScope()
    use folder = new TemporaryFolder()
    let path = folder.File "ours.safetensors"
    SafetensorsFile.Write(path, [| KeyValuePair("w", torch.arange 6L); KeyValuePair("b", torch.ones (2L, 3L)) |], Dictionary())
    File.ReadAllBytes path

let private fuzz (source: string) (bytes: byte[]) rounds =
    use folder = new TemporaryFolder()
    let path = folder.File "damaged.pth"
    let random = Random 20260
    let mutable read = 0

    for round in 1..rounds do
        let damaged = damage random bytes
        File.WriteAllBytes(path, damaged)
        let before = GC.GetAllocatedBytesForCurrentThread()

        let isRead, took =
            ProcessorTime.ofWork (fun () ->
                try
                    readAll path
                with error when not (error :? AssertException) ->
                    failtest $"round {round} of {source} ended in {error}")

        if isRead then
            read <- read + 1

        Expect.isLessThan (GC.GetAllocatedBytesForCurrentThread() - before) mostBytes $"round {round} of {source}: memory"
        Expect.isLessThan took.TotalSeconds 5.0 $"round {round} of {source}: processor time"

    Expect.isTrue (read > 0 && read < rounds) $"{source}: some damage goes unseen and some does not ({read} of {rounds} read)"

[<Tests>]
let tests =
    testList
        "damaged checkpoints"
        [ for source in
              [ "zip.pth"
                "legacy.pth"
                "views.pth"
                "nested_dataparallel.pth"
                "training.pth"
                "training-legacy.pth"
                "types.pth"
                "parameters.pth"
                "objects.pth"
                "objects-legacy.pth"
                "objects-protocol4.pth"
                "quantized.pth"
                "sample.safetensors" ] do
              test $"A {source} file with bytes changed, removed or duplicated is read or refused" { fuzz source (golden source) 1500 }

          test "A file of ours with bytes changed, removed or duplicated is read or refused" { fuzz "ours" (ours ()) 1500 } ]
