/// Writes pickles and zip archives byte by byte, including ones that PyTorch never writes.
module ChannelDistillation.Tests.Runtime.Checkpoints.PickleWriter

open System
open System.IO
open System.IO.Compression
open System.Text

let private ascii (text: string) = Encoding.ASCII.GetBytes text

let word (text: string) =
    let bytes = Encoding.UTF8.GetBytes text
    Array.concat [ [| byte 'X' |]; BitConverter.GetBytes bytes.Length; bytes ]

let whole (number: int) = Array.append [| byte 'J' |] (BitConverter.GetBytes number)
let op (letter: char) = [| byte letter |]
let global_ (name: string) (attribute: string) = ascii $"c{name}\n{attribute}\n"
let tuple (items: byte[] list) = Array.concat [ op '('; Array.concat items; op 't' ]
let call (callee: byte[]) (arguments: byte[] list) = Array.concat [ callee; tuple arguments; op 'R' ]

let dict (entries: (string * byte[]) list) =
    Array.concat [ op '}'; op '('; Array.concat [ for key, value in entries -> Array.append (word key) value ]; op 'u' ]

let storage kind key count = Array.append (tuple [ word "storage"; global_ "torch" kind; word key; word "cpu"; whole count ]) (op 'Q')

let tensorOf (storage: byte[]) offset shape strides =
    call
        (global_ "torch._utils" "_rebuild_tensor_v2")
        [ storage
          whole offset
          tuple (List.map whole shape)
          tuple (List.map whole strides)
          [| 0x89uy |]
          call (global_ "collections" "OrderedDict") [] ]

let pickle (value: byte[]) = Array.concat [ [| 0x80uy; 2uy |]; value; op '.' ]

/// A checkpoint in the format of torch.save; entries are stored uncompressed by default.
let zip (compression: CompressionLevel) (entries: (string * byte[]) list) =
    use memory = new MemoryStream()

    (use archive = new ZipArchive(memory, ZipArchiveMode.Create, true)

     for name, bytes in entries do
         use stream = archive.CreateEntry("archive/" + name, compression).Open()
         stream.Write bytes)

    memory.ToArray()

let checkpoint (value: byte[]) (storages: (string * byte[]) list) =
    zip CompressionLevel.NoCompression (("data.pkl", pickle value) :: [ for key, bytes in storages -> "data/" + key, bytes ])

/// The format of PyTorch before 1.6.
let legacy (value: byte[]) (storages: (string * int64 * byte[]) list) =
    Array.concat
        [ pickle [| 0x8auy; 10uy; 0x6cuy; 0xfcuy; 0x9cuy; 0x46uy; 0xf9uy; 0x20uy; 0x6auy; 0xa8uy; 0x50uy; 0x19uy |]
          pickle (whole 1001)
          pickle (dict [])
          pickle value
          pickle (Array.concat [ op ']'; op '('; Array.concat [ for key, _, _ in storages -> word key ]; op 'e' ])
          Array.concat [ for _, count, bytes in storages -> Array.append (BitConverter.GetBytes count) bytes ] ]
