module ChannelDistillation.Tests.Runtime.Teachers.KnownTeacherTests

open System
open System.IO
open System.Security.Cryptography
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Teachers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Downloads
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

let private content = "weights"B

let private teacher (download: RemoteFile) =
    KnownTeacher(
        Name = "small",
        Doc = "",
        Model = "resnet8",
        Dataset = "cifar100",
        File = "small.pth",
        Top1Error = 1.0,
        Top5Error = Nullable 0.1,
        License = "",
        Source = "",
        Note = "Nobody offers it.",
        Download = download
    )

let private fetch (teacher: KnownTeacher) (root: TemporaryFolder) =
    let listener = Listener()
    KnownTeacherStore.Fetch(teacher, Workspace root.Path, Downloader(DownloadSettings(), listener), CancellationToken.None)
    listener.Said

[<Tests>]
let tests =
    testList
        "known teachers"
        [ test "Known teachers have known models and datasets, their own files, and plausible errors" {
              for teacher in KnownTeacherCatalog.All do
                  Expect.isNotNull (ModelCatalog.Find teacher.Model) teacher.Model
                  Expect.isNotNull (DatasetCatalog.Find teacher.Dataset) teacher.Dataset

                  Expect.isTrue
                      ((teacher.Top5Error |> Option.ofNullable |> Option.forall (fun top5 -> top5 < teacher.Top1Error))
                       && teacher.Top1Error < 50.0)
                      $"{teacher.Name}: errors"

                  Expect.equal (Path.GetFileName teacher.File) teacher.File "no folder"

                  match teacher.Download with
                  | null -> Expect.isNotNull teacher.Note $"{teacher.Name}: what to do"
                  | file ->
                      // torchvision's names contain the beginning of the checksum.
                      Expect.isTrue (file.Sha256.Length = 64 && file.Name.Contains file.Sha256[..7]) $"{teacher.Name}: checksum"
                      Expect.equal (file.Url.Scheme, Path.GetFileName file.Url.LocalPath) ("https", file.Name) $"{teacher.Name}: address"
                      Expect.isGreaterThan file.Bytes 1_000_000L $"{teacher.Name}: size"

              let distinct (of': KnownTeacher -> string) = KnownTeacherCatalog.All |> Seq.map of' |> Seq.distinct |> Seq.length
              Expect.equal (distinct _.Name, distinct _.File) (KnownTeacherCatalog.All.Count, KnownTeacherCatalog.All.Count) "names and files"
          }

          test "Known teachers are recognised by their files in any spelling of the path" {
              let workspace = Workspace "/project"
              let found model path = KnownTeacherCatalog.Of(TeacherSpec(Model = ModelSpec model, Checkpoint = path), workspace)
              let name (known: KnownTeacher) = if isNull known then "" else known.Name
              Expect.equal (found "resnet34" "pretrain/resnet34-333f7ec4.pth" |> name) "resnet34-imagenet" "relative"
              Expect.equal (found "resnet34" "./pretrain/../pretrain/resnet34-333f7ec4.pth" |> name) "resnet34-imagenet" "with dots"
              Expect.equal (found "resnet34" "/project/pretrain/resnet34-333f7ec4.pth" |> name) "resnet34-imagenet" "absolute"
              Expect.equal (found "resnet50" "pretrain/resnet34-333f7ec4.pth" |> name) "" "another network"
              Expect.equal (found "resnet34" "resnet34-333f7ec4.pth" |> name) "" "another folder"
          }

          test "A known teacher is fetched once, verified, and fetched again if its file has changed" {
              use server = new LocalServer(Answer.ranged content)
              use root = new TemporaryFolder()
              let path = Path.Combine(root.Path, "pretrain", "small.pth")
              let sha256 = Convert.ToHexStringLower(SHA256.HashData content)
              let known = teacher (RemoteFile("small.pth", Uri(server.Address, "small.pth"), content.LongLength, sha256))
              fetch known root |> ignore
              Expect.equal (File.ReadAllBytes path) content "content"
              Expect.equal (fetch known root) [] "nothing to say"
              Expect.hasLength server.Requests 1 "once"
              File.WriteAllBytes(path, "another"B)
              let said = fetch known root
              Expect.stringEnds said[0] "It was renamed to small.pth.damaged and will be fetched again." "said"
              Expect.equal (File.ReadAllBytes path) content "content"
          }

          test "A known teacher without a download gives instructions, and is used from where the user put it" {
              use root = new TemporaryFolder()

              Expect.throwsC (fun () -> fetch (teacher null) root |> ignore) (fun error ->
                  Expect.equal error.Message "The teacher small is not in pretrain/small.pth. Nobody offers it." "message")

              Directory.CreateDirectory(Path.Combine(root.Path, "pretrain")) |> ignore
              File.WriteAllBytes(Path.Combine(root.Path, "pretrain", "small.pth"), content)
              Expect.equal (fetch (teacher null) root) [] "there"
          } ]
