module ChannelDistillation.Tests.Runtime.Teachers.Signals.SignalFileTests

open System.IO
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Data
open ChannelDistillation.Teachers.Signals
open ChannelDistillation.Tests

let private rows = 100L
let private width = 3
let private openAt (folder: TemporaryFolder) = new SignalFile(folder.File "means.signals", rows, width)
let private values row = [| float32 row; -1.5f; 1.0f / float32 (row + 1L) |]

let private read (file: SignalFile) row =
    let found = Array.zeroCreate<float32> width
    file.Read(row, found), found

/// Flips one bit of a file.
let private spoil (path: string) (offset: int64) =
    use stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)
    stream.Position <- offset
    let value = stream.ReadByte()
    stream.Position <- offset
    stream.WriteByte(byte (value ^^^ 1))

let private headerSize = SignalFile.Size(0L, width)
let private rowSize = SignalFile.Size(1L, width) - headerSize

[<Tests>]
let tests =
    testList
        "teacher signals: files"
        [ test "A row is missing until it is written, and then visible to every process that opens the file" {
              use folder = new TemporaryFolder()
              use file = openAt folder
              Expect.equal (fst (read file 7L)) RowState.Missing "before"
              file.Write(7L, values 7L)
              Expect.equal (read file 7L) (RowState.There, values 7L) "here"
              use other = openAt folder
              Expect.equal (read other 7L) (RowState.There, values 7L) "elsewhere"
              other.Write(8L, values 8L)
              Expect.equal (read file 8L) (RowState.There, values 8L) "and back"
              Expect.equal (fst (read file 6L), fst (read file 9L)) (RowState.Missing, RowState.Missing) "its neighbours"
          }

          test "A changed bit anywhere in a row is detected, and the row can be written again" {
              use folder = new TemporaryFolder()
              use file = openAt folder
              file.Write(7L, values 7L)

              for offset in [ 0L; 5L; rowSize - 1L ] do
                  spoil file.Path (headerSize + 7L * rowSize + offset)
                  Expect.equal (fst (read file 7L)) RowState.Damaged $"byte {offset}"
                  file.Write(7L, values 7L)
                  Expect.equal (read file 7L) (RowState.There, values 7L) "again"
          }

          test "A row at the position of another row does not count" {
              use folder = new TemporaryFolder()
              use file = openAt folder
              file.Write(1L, values 1L)
              use stream = new FileStream(file.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)
              let row = Array.zeroCreate<byte>(int rowSize)
              stream.Position <- headerSize + rowSize
              stream.ReadExactly row
              stream.Write row
              stream.Flush()
              Expect.equal (fst (read file 2L)) RowState.Damaged "moved by one"
          }

          test "A file with another length or header is refused before it is read" {
              for spoilt in
                  [ (fun path -> File.WriteAllBytes(path, File.ReadAllBytes(path)[.. int headerSize + 4]))
                    (fun path -> File.AppendAllText(path, "x"))
                    (fun path -> spoil path 9L)
                    (fun path -> File.WriteAllText(path, "")) ] do
                  use folder = new TemporaryFolder()
                  (openAt folder).Dispose()
                  spoilt (folder.File "means.signals")

                  Expect.throwsC (fun () -> (openAt folder).Dispose()) (fun error ->
                      Expect.isTrue (error :? DamagedFileException) "kind"

                      Expect.equal
                          (error.Message.Replace(folder.Path, "FOLDER"))
                          "The file FOLDER/means.signals is damaged: its length or header is wrong."
                          "message")
          }

          test "Several processes that create and fill one file at the same time find every row complete" {
              use folder = new TemporaryFolder()

              Parallel.For(
                  0,
                  4,
                  fun worker ->
                      use file = openAt folder

                      for step in 0L .. rows - 1L do
                          let row = (step * 37L + int64 worker) % rows
                          let state, found = read file row

                          if state = RowState.There then
                              Expect.equal found (values row) $"row {row}"
                          else
                              file.Write(row, values row)
              )
              |> ignore

              use file = openAt folder

              for row in 0L .. rows - 1L do
                  Expect.equal (read file row) (RowState.There, values row) $"row {row}"

              Expect.equal (Directory.GetFiles folder.Path |> Array.map Path.GetFileName) [| "means.signals" |] "nothing else is left"
          } ]
