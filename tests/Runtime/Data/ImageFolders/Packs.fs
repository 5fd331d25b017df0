/// Packed copies for tests.
module ChannelDistillation.Tests.Runtime.Data.ImageFolders.Packs

open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Imaging
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages

type Watcher(advanced: int -> unit) =
    member val Said = ResizeArray<string>()

    interface IWorkObserver with
        member this.Started(what, images, _, _) = this.Said.Add $"{what}: {images}"
        member _.Advanced images = advanced (int images)
        member _.Ended() = ()

        member this.Say message =
            // Depends on what else is installed on the machine.
            if message <> ImageDecoder.Advice false then
                this.Said.Add message

let quiet () = Watcher ignore

let pack (root: string) format =
    let target = PackedFolder.Of(root, format)
    target, Packer.Pack(root, target, format, quiet (), CancellationToken.None)

/// Images larger than a short side of 40, with one unreadable image in each part.
let withFolder act =
    use root = new TemporaryFolder()
    let folder = TestImages.folder (root.File "photos") cats 5 2

    for part in [ "train"; "val" ] do
        File.WriteAllText(Path.Combine(folder, part, "dog", "dog_1.JPEG"), "no picture")

    act folder

let message expected (act: unit -> unit) =
    Expect.throwsC act (fun error ->
        Expect.isTrue (error :? MissingException) $"{error}"
        Expect.equal error.Message expected "message")
