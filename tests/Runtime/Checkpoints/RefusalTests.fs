module ChannelDistillation.Tests.Runtime.Checkpoints.RefusalTests

open System
open System.IO
open System.IO.Compression
open System.Text
open Expecto
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Checkpoints.PickleWriter

let private golden name = Golden.path (Path.Combine("checkpoints", name))

/// The message for a file, with its path replaced by FILE.
let private said (path: string) =
    try
        (CheckpointFile.Open path).Dispose()
        "opened without complaint"
    with :? InvalidDataException as error ->
        error.Message.Replace(path, "FILE").Replace(Path.ChangeExtension(path, null), "NAME")

let private saidOf (bytes: byte[]) =
    use folder = new TemporaryFolder()
    let path = folder.File "a.pth"
    File.WriteAllBytes(path, bytes)
    said path

let private again = "Download or copy it again."

let private trust = "If you trust the file, whose code Python runs,"
let private nameless = "FILE contains no weights: it has no named tensors."
let private notRead what = $"{nameless} Objects of Python are not read: {what}."

let private one = storage "FloatStorage" "0" 1
let private float1 = "0", [| 0uy; 0uy; 0x80uy; 0x3fuy |]

[<Tests>]
let tests =
    testList
        "checkpoints that are refused"
        [ for name, message in
              [ "malicious.pth", notRead "`posix.system`"
                "whole.pth",
                notRead
                    "`torch.nn.parallel.data_parallel.DataParallel`, `torch.nn.modules.container.Sequential`, `torch.nn.modules.conv.Conv2d` and 1 more"
                + $"\n{trust} extract its weights in Python:\n"
                + "import torch; torch.save(torch.load(\"FILE\", map_location=\"cpu\", weights_only=False).state_dict(), \"NAME-weights.pth\")"
                "dict-subclass.pth",
                notRead "`__main__.Config`"
                + $"\n{trust} extract its weights in Python:\n"
                + "import torch; torch.save(dict(torch.load(\"FILE\", map_location=\"cpu\", weights_only=False)), \"NAME-weights.pth\")"
                "arrays.pth",
                notRead "`numpy.core.multiarray._reconstruct`, `numpy.ndarray`"
                + $"\n{trust} extract its weights in Python:\n"
                + "import torch; torch.save({name: torch.as_tensor(value) for name, value in torch.load(\"FILE\", map_location=\"cpu\", "
                + "weights_only=False).items() if hasattr(value, \"dtype\")}, \"NAME-weights.pth\")"
                "truncated.pth", $"FILE is truncated: the directory at its end is missing. {again}"
                "not_a_checkpoint.pth", "FILE is a web page, not a checkpoint: the download returned an error or a log-in page."
                "tensor.pth", nameless
                "script.pt",
                "FILE is a TorchScript archive, not a checkpoint. If you trust its code, use it as `torchscript: FILE` (docs/python.md), or save its weights in Python:\n"
                + "import torch; torch.save(torch.jit.load(\"FILE\", map_location=\"cpu\").state_dict(), \"NAME-weights.pth\")"
                "nothere.pth", "FILE cannot be read: it does not exist."
                "", "FILE cannot be read: it is a folder." ] do
              test $"The file {name} gives the message: {message}" { Expect.equal (said (golden name)) message "the message" }

          test "A malicious file leaves no trace" {
              use folder = new TemporaryFolder()
              let before = Environment.CurrentDirectory

              Repository.inRoot (fun () ->
                  Environment.CurrentDirectory <- folder.Path

                  try
                      said (golden "malicious.pth") |> ignore
                      Expect.isEmpty (Directory.GetFileSystemEntries folder.Path) "nothing was made"
                  finally
                      Environment.CurrentDirectory <- before)
          }

          let command = word "touch pwned"
          let named name attribute = Array.concat [ word name; word attribute; [| 0x93uy |] ]

          for name, attribute in
              [ "os", "system"
                "posix", "system"
                "nt", "system"
                "subprocess", "Popen"
                "builtins", "eval"
                "__builtin__", "exec"
                "builtins", "getattr"
                "builtins", "__import__"
                "builtins", "open"
                "importlib", "import_module"
                "runpy", "_run_code"
                "pickle", "loads"
                "torch", "load"
                "torch.hub", "load"
                "torch.storage", "_load_from_bytes"
                "torch.jit", "load"
                "numpy", "load"
                "numpy.core.multiarray", "_reconstruct"
                "operator", "attrgetter"
                "functools", "partial"
                "_codecs", "decode"
                "collections", "OrderedDict.fromkeys"
                "webbrowser", "open"
                "System.Diagnostics", "Process" ] do
              test $"The name {name}.{attribute} has no effect in any form in which a pickle can use it" {
                  let asked = Encoding.ASCII.GetBytes($"{name}\n{attribute}\n")

                  for program in
                      [ call (global_ name attribute) [ command ]
                        call (named name attribute) [ command ]
                        global_ name attribute
                        Array.concat [ op '('; command; op 'i'; asked ]
                        Array.concat [ op '('; global_ name attribute; command; op 'o' ]
                        Array.concat [ global_ name attribute; tuple [ command ]; [| 0x81uy |] ]
                        Array.concat [ global_ name attribute; tuple [ command ]; dict [ "a", command ]; [| 0x92uy |] ]
                        Array.concat [ call (call (global_ name attribute) [ command ]) [ command ]; dict []; op 'b' ]
                        Array.concat [ dict []; global_ name attribute; op 'b' ]
                        dict [ "weight", tensorOf (call (global_ name attribute) [ command ]) 0 [ 1 ] [ 1 ] ] ] do
                      let message = notRead $"`{name}.{attribute}`"
                      let others = [ "`torch._utils._rebuild_tensor_v2`" ]
                      let either = [ message; notRead (String.Join(", ", $"`{name}.{attribute}`" :: others)) ]
                      Expect.contains either (saidOf (checkpoint program [])) "in a zip container"
                      Expect.contains either (saidOf (legacy program [])) "in a legacy container"

                      // Beside weights, which are read as if it were not there.
                      use folder = new TemporaryFolder()
                      let path = folder.File "a.pth"

                      let both =
                          Array.concat
                              [ op '}'
                                op '('
                                Array.append program program
                                word "state_dict"
                                dict [ "w", tensorOf one 0 [ 1 ] [ 1 ] ]
                                op 'u' ]

                      File.WriteAllBytes(path, checkpoint both [ float1 ])
                      use file = CheckpointFile.Open path
                      Expect.equal [ for set in file.Sets -> set.Where, set.Tensors.Count ] [ "state_dict", 1 ] "the weights"
                      Expect.equal (Seq.head file.Unlisted) $"{name}.{attribute}" "the name"
              }

          for what, program, message in
              [ "an extension of copyreg", [| 0x82uy; 7uy |], notRead "`copyreg.extension 7`"
                "calling a type", call (global_ "torch" "float32") [ command ], notRead "`torch.float32`"
                "a new state for a number",
                Array.concat [ whole 1; dict []; op 'b' ],
                $"FILE is damaged: the description of its tensors is invalid. {again}"
                "a numpy object",
                call
                    (global_ "numpy.core.multiarray" "scalar")
                    [ call (global_ "numpy" "dtype") [ word "O8" ]
                      call (global_ "_codecs" "encode") [ word "x"; word "latin1" ] ],
                notRead "`numpy.core.multiarray.scalar`"
                "text that is encoded by a codec with side effects",
                call (global_ "_codecs" "encode") [ word "x"; word "zip" ],
                notRead "`_codecs.encode`"
                "a thousand and one classes",
                Array.concat [ for i in 0..1000 -> Array.append (global_ "a" $"b{i}") (op '0') ],
                "FILE names more than 1,000 classes that are not read, which is the limit."
                "a storage of an unknown type",
                dict [ "w", tensorOf (storage "BFloat8Storage" "0" 1) 0 [ 1 ] [ 1 ] ],
                "FILE contains tensors in a `torch.BFloat8Storage`, which is not supported." ] do
              test $"A pickle with {what} is refused" { Expect.equal (saidOf (checkpoint program [])) message "the message" }

          for what, bytes, message in
              [ "an empty file", [||], "FILE is empty."
                "a file of Git LFS",
                Encoding.ASCII.GetBytes "version https://git-lfs.github.com/spec/v1\n",
                "FILE is a Git LFS pointer, not the checkpoint: run `git lfs pull` in its repository."
                "a plain pickle",
                pickle (dict []),
                $"FILE is a pickle that torch.save did not write. {trust} save it with torch.save:\n"
                + "import pickle, torch; torch.save(pickle.load(open(\"FILE\", \"rb\")), \"NAME-saved.pth\")"
                "a text", Encoding.ASCII.GetBytes "hello", "FILE is not a supported checkpoint: it is neither safetensors nor a PyTorch file."
                "another zip archive",
                zip CompressionLevel.NoCompression [ "a.txt", [| 1uy |] ],
                "FILE is a zip archive but not a PyTorch checkpoint: it has no data.pkl. If it contains a checkpoint, unpack it first."
                "a checkpoint that was packed again",
                zip CompressionLevel.Optimal [ "data.pkl", pickle (dict [ for i in 1..99 -> "a", whole i ]) ],
                "FILE was repacked after PyTorch wrote it: `archive/data.pkl` is compressed or encrypted. "
                + $"{trust} load and save it again in Python:\n"
                + "import torch; torch.save(torch.load(\"FILE\", map_location=\"cpu\", weights_only=False), \"NAME-saved.pth\")"
                "a big-endian file",
                zip CompressionLevel.NoCompression [ "data.pkl", pickle (dict []); "byteorder", Encoding.ASCII.GetBytes "big" ],
                "FILE was written on a big-endian machine. Load and re-save it on a little-endian one."
                "a checkpoint without weights", checkpoint (dict [ "epoch", whole 1 ]) [], "FILE contains no weights: it has no named tensors."
                "a storage that is not there",
                checkpoint (dict [ "w", tensorOf one 0 [ 1 ] [ 1 ] ]) [],
                $"FILE is damaged: the data of `w` are missing. {again}"
                "a tensor beyond its storage",
                checkpoint (dict [ "w", tensorOf one 0 [ 2 ] [ 1 ] ]) [ float1 ],
                $"FILE is damaged: `w` extends beyond its data. {again}"
                "a storage smaller than it says",
                checkpoint (dict [ "w", tensorOf (storage "FloatStorage" "0" 2) 0 [ 1 ] [ 1 ] ]) [ float1 ],
                $"FILE is damaged: `w` extends beyond its data. {again}"
                "a shape that cannot be counted",
                checkpoint (dict [ "w", tensorOf one 0 (List.replicate 9 65536) (List.replicate 9 0) ]) [ float1 ],
                $"FILE is damaged: the description of its tensors is invalid. {again}"
                "a legacy file that ends within its numbers",
                legacy (dict [ "w", tensorOf one 0 [ 1 ] [ 1 ] ]) [ "0", 1L, [| 0uy |] ],
                $"FILE is truncated: it ends before its last tensor. {again}"
                "a word of 4 GB",
                checkpoint [| byte 'X'; 255uy; 255uy; 255uy; 255uy |] [],
                $"FILE is damaged or truncated: the description of its tensors ends too early. {again}"
                "a number of 2 GB",
                checkpoint [| 0x8buy; 255uy; 255uy; 255uy; 127uy |] [],
                $"FILE is damaged: the description of its tensors is invalid. {again}"
                "a line without end",
                checkpoint (Array.create 5000 (byte 'c')) [],
                "FILE is damaged: it contains a name of more than 1000 characters."
                "a list that is copied without end",
                checkpoint
                    (Array.concat
                        [ op ']'
                          [| byte 'q'; 0uy |]
                          op '('
                          Array.concat (List.replicate 10_000 (op 'N'))
                          op 'e'
                          Array.concat (List.replicate 10_000 (call (global_ "builtins" "list") [ [| byte 'h'; 0uy |] ])) ])
                    [],
                "FILE creates more than 4,000,000 values, which is the limit." ] do
              test $"A file with {what} is refused" { Expect.equal (saidOf bytes) message "the message" }

          // Each of these is small, and would take hours or gigabytes if its stated sizes were trusted.
          let remembered (value: byte[]) = Array.concat [ value; [| byte 'q'; 0uy; byte '0' |] ]
          let recalled = [| byte 'h'; 0uy |]
          let often (count: int) (program: byte[]) = Array.concat (List.replicate count (Array.append program [| byte '0' |]))
          let long = String('a', 1_000_000)
          let many = "FILE creates more than 4,000,000 values, which is the limit."

          for what, program, message in
              [ "a long word that is encoded again and again",
                [| remembered (word long); often 50_000 (call (global_ "_codecs" "encode") [ recalled; word "latin1" ]) |],
                many
                "a long shape that is used again and again",
                [| Array.concat [ op '('; Array.concat (List.replicate 100_000 (whole 1)); op 't'; [| byte 'q'; 0uy; byte '0' |] ]
                   often 1_000 (Array.concat [ global_ "torch._utils" "_rebuild_tensor"; tuple [ one; whole 0; recalled; recalled ]; op 'R' ]) |],
                $"FILE is damaged: the description of its tensors is invalid. {again}"
                "a name of prefixes only",
                [| dict [ String.replicate 200_000 "module." + "w", tensorOf one 0 [ 1 ] [ 1 ] ] |],
                "FILE is damaged: it contains a name of more than 1000 characters."
                "a memo with gaps that only a table of all places could hold",
                [| for place in 0u .. 999u do
                       Array.concat [ op 'N'; op 'r'; BitConverter.GetBytes(place * 4_000_037u); op '0' ] |],
                $"FILE is damaged: the description of its tensors is invalid. {again}"
                "a thousand networks",
                [| dict [ for i in 1..1000 -> string i, dict [ "w", tensorOf one 0 [ 1 ] [ 1 ] ] ] |],
                "FILE contains more than 32 networks, which is the limit." ] do
              test $"A file with {what} is refused quickly" {
                  let bytes = checkpoint (Array.concat program) [ float1 ]
                  let before = GC.GetAllocatedBytesForCurrentThread()
                  Expect.equal (saidOf bytes) message "the message"
                  Expect.isLessThan (GC.GetAllocatedBytesForCurrentThread() - before) (1L <<< 30) "memory"
              }

          test "A safetensors header of prefixes only is refused" {
              let name = String.replicate 200_000 "module." + "w"
              let header = Encoding.UTF8.GetBytes $"{{\"{name}\":{{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}}}"

              Expect.equal
                  (saidOf (Array.concat [ BitConverter.GetBytes(int64 header.Length); header; [| 0uy |] ]))
                  "FILE is damaged: it contains a name of more than 1000 characters."
                  "the message"
          }

          test "A safetensors header with too many tensors or values is refused quickly" {
              let said (json: string) =
                  let header = Encoding.UTF8.GetBytes json
                  saidOf (Array.append (BitConverter.GetBytes(int64 header.Length)) header)

              let entry = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"
              let before = GC.GetAllocatedBytesForCurrentThread()

              Expect.equal
                  (said ("{" + String.Join(",", [ for i in 0..100_000 -> $"\"{i}\":{entry}" ]) + "}"))
                  "FILE contains more than 100,000 tensors in one network, which is the limit."
                  "tensors"

              Expect.equal
                  (said $"""{{"w":{{"dtype":"U8","shape":[{String.replicate 5_000_000 "1,"}1],"data_offsets":[0,1]}}}}""")
                  "FILE contains more than 4,000,000 values, which is the limit."
                  "values"

              Expect.isLessThan (GC.GetAllocatedBytesForCurrentThread() - before) (1L <<< 28) "memory"
          }

          test "A pickle with too many tensors is refused" {
              let tensor = Array.concat [ tensorOf one 0 [ 1 ] [ 1 ]; [| byte 'q'; 0uy; byte '0' |] ]
              let entries = [ for i in 0..100_000 -> Array.append (word (string i)) [| byte 'h'; 0uy |] ]

              Expect.equal
                  (saidOf (checkpoint (Array.concat [ tensor; op '}'; op '('; Array.concat entries; op 'u' ]) [ float1 ]))
                  "FILE contains more than 100,000 tensors in one network, which is the limit."
                  "the message"
          }

          test "Memo positions may start at 1 and have gaps, as Python 2 writes them" {
              let program =
                  Array.concat
                      [ whole 7
                        [| byte 'q'; 1uy; byte '0' |]
                        whole 8
                        [| byte 'q'; 4uy; byte '0' |]
                        dict [ "epoch", [| byte 'h'; 4uy |] ] ]

              Expect.equal (saidOf (checkpoint program [])) "FILE contains no weights: it has no named tensors." "read to its end"

              Expect.equal
                  (saidOf (checkpoint (Array.concat [ program; [| byte 'h'; 3uy |] ]) []))
                  $"FILE is damaged: the description of its tensors is invalid. {again}"
                  "a place that was left out"
          }

          test "Eight prefixes at most are removed from a name" {
              let prefixesOf prefix count =
                  use folder = new TemporaryFolder()
                  let path = folder.File "a.pth"
                  File.WriteAllBytes(path, checkpoint (dict [ String.replicate count prefix + "w", tensorOf one 0 [ 1 ] [ 1 ] ]) [ float1 ])
                  use file = CheckpointFile.Open path
                  file.Sets[0].Prefix, file.Sets[0].Tensors[0].Name

              Expect.equal (prefixesOf "module." 4) (String.replicate 4 "module.", "w") "four"
              Expect.equal (prefixesOf "module." 9) (String.replicate 8 "module.", "module.w") "nine"

              let sides =
                  [ for path in 0..255 -> String.Join("", [ for bit in 0..7 -> if path >>> bit &&& 1 = 0 then "student." else "teacher." ]) ]

              Expect.equal
                  (saidOf (checkpoint (dict [ for side in sides -> side + "w", tensorOf one 0 [ 1 ] [ 1 ] ]) [ float1 ]))
                  "FILE contains more than 32 networks, which is the limit."
                  "students and teachers of one another"
          }

          test "A million nested lists are read without a stack overflow" {
              let deep = Array.concat [ Array.create 1_000_000 (byte ']'); Array.create 999_999 (byte 'a') ]
              Expect.equal (saidOf (checkpoint (dict [ "a", deep ]) [])) "FILE contains no weights: it has no named tensors." "the message"
          }

          test "A dict that contains itself is read without a stack overflow" {
              let program = Array.concat [ op '}'; [| byte 'q'; 0uy |]; word "state_dict"; [| byte 'h'; 0uy |]; op 's' ]
              Expect.equal (saidOf (checkpoint program [])) "FILE contains no weights: it has no named tensors." "the message"
          }

          test "A storage view of a legacy file is read from within its storage" {
              use folder = new TemporaryFolder()
              let path = folder.File "a.pth"

              let view =
                  Array.append
                      (tuple
                          [ word "storage"
                            global_ "torch" "FloatStorage"
                            word "0"
                            word "cpu"
                            whole 3
                            tuple [ word "1"; whole 1; whole 2 ] ])
                      (op 'Q')

              File.WriteAllBytes(
                  path,
                  legacy
                      (dict [ "w", tensorOf view 1 [ 1 ] [ 1 ] ])
                      [ "0", 3L, Array.collect (fun (number: float32) -> BitConverter.GetBytes number) [| 1f; 2f; 3f |] ]
              )

              use file = CheckpointFile.Open path
              use tensor = file.Read file.Sets[0].Tensors[0]
              Expect.equal (Golden.toArray tensor) [| 3.0 |] "numbers"
          } ]
