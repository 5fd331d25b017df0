module ChannelDistillation.Tests.Runtime.Checkpoints.SafetensorsTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests

let private write path (tensors: (string * torch.Tensor) list) =
    SafetensorsFile.Write(path, [ for name, tensor in tensors -> KeyValuePair(name, tensor) ], dict [ "made_by", "a test" ] |> Dictionary)

let private refusal (bytes: byte[]) =
    use folder = new TemporaryFolder()
    let path = folder.File "broken.safetensors"
    File.WriteAllBytes(path, bytes)

    try
        SafetensorsFile.Read path |> ignore
        "read without complaint"
    with :? InvalidDataException as error ->
        error.Message.Replace(path, "FILE")

let private header (json: string) (data: byte[]) =
    let text = Text.Encoding.UTF8.GetBytes json
    Array.concat [ BitConverter.GetBytes(int64 text.Length); text; data ]

[<Tests>]
let tests =
    testList
        "safetensors"
        [ test "Every type and layout is read back as written" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let values = torch.arange(12).reshape(3L, 4L)

              let tensors =
                  [ for kind in
                        [ torch.float32
                          torch.float64
                          torch.float16
                          torch.bfloat16
                          torch.int64
                          torch.int32
                          torch.int16
                          torch.int8
                          torch.uint8
                          torch.bool ] do
                        yield string kind, values.``to`` kind
                    yield "scalar", torch.tensor 7L
                    yield "transposed", (values.``to`` torch.float32).t()
                    yield "empty", torch.zeros (0L, 3L) ]

              write path tensors
              let read = SafetensorsFile.Read path
              Expect.equal (Seq.sort read.Tensors.Keys |> List.ofSeq) (tensors |> List.map fst |> List.sort) "names"

              for name, tensor in tensors do
                  let back = read.Tensors[name]
                  Expect.equal back.dtype tensor.dtype $"type of {name}"
                  Expect.sequenceEqual back.shape tensor.shape $"shape of {name}"
                  Expect.isTrue (back.eq(tensor).all().item<bool>()) $"values of {name}"

              Expect.equal read.Metadata["made_by"] "a test" "metadata"
          }

          test "An incomplete file is refused with the reason" {
              let cases =
                  [ [| 1uy; 2uy |], "FILE is not a complete safetensors file: it is shorter than 8 bytes."
                    Text.Encoding.UTF8.GetBytes "<!DOCTYPE html><html>",
                    "FILE is not a complete safetensors file: the length of its header is invalid."
                    header "not json" [||], "FILE is not a complete safetensors file: its header is not JSON."
                    header """{"__metadata__":{"a":"\ud800"}}""" [||], "FILE is not a complete safetensors file: its header is not JSON."
                    header """{"__metadata__":{"a":"b","a":"c"}}""" [||], "FILE is not a complete safetensors file: its header is not JSON."
                    header """{"w":1,"w":2}""" [||], "FILE is not a complete safetensors file: its header is not JSON."
                    header """{"w":{"dtype":"F32"}}""" [||], "FILE is not a complete safetensors file: the header's entry for `w` is incomplete."
                    header """{"w":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}""" [| 0uy |],
                    "FILE contains `w` of type F8, which is not supported."
                    header """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""" [| 0uy |],
                    "FILE is not a complete safetensors file: it ends before the end of `w`."
                    header """{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""" (Array.zeroCreate 8),
                    "FILE is not a complete safetensors file: the shape of `w` does not match its length."
                    header """{"w":{"dtype":"F32","shape":[-3],"data_offsets":[0,8]}}""" (Array.zeroCreate 8),
                    "FILE is not a complete safetensors file: `w` has an invalid shape or position." ]

              for bytes, message in cases do
                  Expect.equal (refusal bytes) message "the message"
          }

          test "Metadata that are not strings, as other programs write them, are kept as text" {
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"

              let metadata (json: string) =
                  File.WriteAllBytes(path, header $"""{{"__metadata__":{json}}}""" [||])
                  [ for entry in (SafetensorsFile.Read path).Metadata -> entry.Key, entry.Value ]

              Expect.equal (metadata """{"a":1,"b":{"c":[2, null]}}""") [ "a", "1"; "b", """{"c":[2, null]}""" ] "of other kinds"
              Expect.equal (metadata "[1]") [ "__metadata__", "[1]" ] "no mapping"
              Expect.equal (metadata "null") [] "none"
          }

          test "A failed write does not change the existing file" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              write path [ "w", torch.ones 3L ]
              let before = File.ReadAllBytes path

              let gone = torch.ones 3L
              gone.Dispose()
              Expect.throws (fun () -> write path [ "w", torch.zeros 3L; "gone", gone ]) "a disposed tensor cannot be written"
              Expect.equal (File.ReadAllBytes path) before "the earlier file"
              Expect.equal (Directory.GetFiles folder.Path |> Array.length) 1 "nothing left beside it"
          } ]
