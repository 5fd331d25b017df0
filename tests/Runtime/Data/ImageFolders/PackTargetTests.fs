module ChannelDistillation.Tests.Runtime.Data.ImageFolders.PackTargetTests

open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.Packs

let private into folder target () = Packer.Pack(folder, target, PackFormat.Files, quiet (), CancellationToken.None) |> ignore

let private files (target: string) = Directory.GetFiles target |> Array.map Path.GetFileName |> Array.sort

[<Tests>]
let tests =
    testList
        "place of a packed copy"
        [ test "A folder is not packed into itself, nor over a copy in another format" {
              withFolder (fun folder ->
                  let target, _ = pack folder (PackFormat 40)
                  message $"{folder} already contains images. A packed copy needs a separate folder." (into folder folder)

                  message
                      $"{target} contains a packed copy in another format (40). Choose another folder with --out, or remove it."
                      (into folder target)

                  let inside = Path.Combine(folder, "train", "copy")

                  message $"{inside} is inside {folder}, the folder to be packed. A packed copy needs a separate folder." (into folder inside)

                  Expect.isFalse (Directory.Exists inside) "nothing is made there"
                  let taken = Directory.CreateDirectory(folder + "-taken").FullName
                  File.WriteAllText(Path.Combine(taken, "thesis.tex"), "")
                  message $"{taken} already contains other files: thesis.tex. A packed copy needs a separate folder." (into folder taken))
          }

          test "A full disk is reported, and no partial file is left" {
              // Linux has a device that is always full.
              if not (File.Exists "/dev/full") then
                  skiptest "no /dev/full on this machine"

              withFolder (fun folder ->
                  let target = Directory.CreateDirectory(folder + "-full").FullName
                  let part = Path.Combine(target, "train-00000.bin.part")
                  File.CreateSymbolicLink(part, "/dev/full") |> ignore

                  message
                      ($"The packed copy cannot be written to {target}: No space left on device : '{part}'. "
                       + "Complete shards are kept. Fix this, then repeat the command to continue.")
                      (fun () -> Packer.Pack(folder, target, PackFormat 40, quiet (), CancellationToken.None) |> ignore)

                  Expect.isEmpty (Directory.GetFileSystemEntries target) "files")
          }

          test "A copy of another folder is not touched, unless that folder was only moved" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let other = TestImages.folder (folder + "-other") TestImages.cats 2 1

                  message
                      $"{target} contains the packed copy of {folder}, which differs from {other}. Choose another folder with --out, or remove it."
                      (into other target)

                  let moved = folder + "-moved"
                  Directory.Move(folder, moved)
                  let again = Packer.Pack(moved, target, PackFormat.Files, quiet (), CancellationToken.None)
                  Expect.isTrue again.WasThere "nothing was packed anew")
          }

          test "Another program's file with the name of a shard is neither removed nor overwritten" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let theirs = Path.Combine(target, "train-00001.bin")
                  File.WriteAllText(theirs, "a tensor of theirs")
                  let refusal = $"{target} already contains other files: train-00001.bin. A packed copy needs a separate folder."
                  message refusal (into folder target)
                  File.Delete(Path.Combine(target, "index.json"))
                  message refusal (into folder target)
                  Expect.equal (files target) [| "train-00000.bin"; "train-00001.bin"; "val-00000.bin" |] "untouched"
                  File.Delete theirs
                  into folder target ()
                  Expect.equal (files target) [| "index.json"; "train-00000.bin"; "val-00000.bin" |] "complete again")
          }

          test "A folder that cannot be created is reported, with what to do" {
              withFolder (fun folder ->
                  let file = folder + "-file"
                  File.WriteAllText(file, "")
                  message $"{file} is a file. A packed copy needs a separate folder." (into folder file)
                  let below = Path.Combine(file, "copy")

                  message $"The folder {below} cannot be created. Choose a writable folder with --out." (into folder below))
          }

          test "A copy of an earlier version is refused in training and packed again" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let index = Path.Combine(target, "index.json")
                  let now = File.ReadAllText index
                  File.WriteAllText(index, now.Replace("\"version\": 2", "\"version\": 1"))

                  message
                      ($"The packed copy {target} was made by an earlier version, which cannot detect changed images. "
                       + "Recreate it with `data pack` of the same folder.")
                      (fun () -> (TestImages.openFolder folder 2).Dispose())

                  let watcher = quiet ()
                  let again = Packer.Pack(folder, target, PackFormat.Files, watcher, CancellationToken.None)
                  Expect.isFalse again.WasThere "not as it was"

                  Expect.equal
                      (Seq.toList watcher.Said)
                      [ $"{target} was packed by another version of this program; it is packed again."; $"Packing {folder}: 14" ]
                      "said"

                  Expect.equal (File.ReadAllText index) now "this version's")
          } ]
