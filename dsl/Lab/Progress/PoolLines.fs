namespace ChannelDistillation.Lab.Progress

open System.IO
open System.Text

/// Begins every line with the same text.
[<Sealed>]
type private Prefixed(output: TextWriter, prefix: string) =
    inherit TextWriter()
    override _.Encoding: Encoding = output.Encoding
    override _.WriteLine(line: string) = output.WriteLine(prefix + line)
    override _.Flush() = output.Flush()

/// Plain lines of several workers, each line with the worker's name.
[<Sealed>]
type PoolLines(output: TextWriter, names: string list) =
    let width = names |> List.map _.Length |> List.fold max 0
    let workers = [| for name in names -> Lines(new Prefixed(output, name.PadRight width + " | "), 0) |]

    member _.On(reported: SweepEvent) =
        match reported with
        | FromWorker(worker, reported) -> workers[worker].On reported
        | Message text ->
            output.WriteLine text
            output.Flush()
        | Idle _
        | TrainedElsewhere _ -> ()
