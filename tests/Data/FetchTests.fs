module ChannelDistillation.Tests.Data.FetchTests

open System.IO
open System.Threading
open Expecto
open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Downloads
open ChannelDistillation.Tests.Downloads.DownloaderTests

let private fetch name workspace =
    let listener = Listener()
    DatasetStore.Fetch(DatasetCatalog.Get name, workspace, Downloader(DownloadSettings(), listener), CancellationToken.None)
    listener.Said

[<Tests>]
let tests =
    testList
        "fetching a dataset"
        [ test "that is part of the repository does nothing" {
              let folder = Path.Combine(Sets.workspace.Data, "fashion-mnist-mini")
              Expect.equal (fetch "fashion-mnist-mini" Sets.workspace) [ $"fashion-mnist-mini is already there, in {folder}." ] "said"
          }

          test "that this version cannot read is refused" {
              Expect.throwsC (fun () -> fetch "cifar10" Sets.workspace |> ignore) (fun error ->
                  Expect.equal (error.GetType()) typeof<MissingException> "kind"

                  Expect.equal
                      error.Message
                      "This version cannot fetch or read the dataset cifar10 yet; experiments with it can be checked and planned."
                      "message")
          } ]
