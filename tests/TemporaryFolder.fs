namespace ChannelDistillation.Tests

open System
open System.IO

/// A temporary folder for one test, deleted when the test ends.
type TemporaryFolder() =
    let path = Directory.CreateTempSubdirectory("channel-distillation-").FullName
    member _.Path = path
    member _.File(name: string) = Path.Combine(path, name)

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, recursive = true)
