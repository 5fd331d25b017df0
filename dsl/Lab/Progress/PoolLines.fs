namespace ChannelDistillation.Lab.Progress

open System.IO
open System.Text
open ChannelDistillation.Dsl.Codecs

/// Begins every line with the same words.
[<Sealed>]
type private Prefixed(output: TextWriter, prefix: string) =
    inherit TextWriter()
    override _.Encoding: Encoding = output.Encoding
    override _.WriteLine(line: string) = output.WriteLine(prefix + line)
    override _.Flush() = output.Flush()

/// Plain lines of several workers, each line with the worker's name.
[<Sealed>]
type PoolLines(output: TextWriter, gate: obj, names: string list) =
    let width = names |> List.map _.Length |> List.fold max 0

    let workers =
        [| for name in names -> OneAtATime(gate, Lines(new Prefixed(output, name.PadRight width + " | "), 0)) :> IProgress |]

    interface IPoolProgress with
        member _.Worker index = workers[index]
        member _.Rests _ = ()
        member _.Elsewhere _ = ()

        member _.Say message =
            lock gate (fun () ->
                output.WriteLine message
                output.Flush())

/// For `--quiet`.
[<Sealed>]
type PoolSilent(gate: obj) =
    let silent = OneAtATime(gate, Silent()) :> IProgress

    interface IPoolProgress with
        member _.Worker _ = silent
        member _.Rests _ = ()
        member _.Elsewhere _ = ()
        member _.Say message = silent.Say message
