/// Views of Spectre.Console that stay in place in the terminal.
module ChannelDistillation.Lab.Progress.View

open System
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Dsl

/// Call before `Terminal.guard`: Spectre then writes to the console itself.
let prepare () =
    if not Console.IsOutputRedirected then
        AnsiConsole.Console |> ignore

/// A view that stays in place, with all of its text safe.
[<Sealed>]
type private SafeView(inner: IRenderable) =
    interface IRenderable with
        member _.Measure(options, width) = inner.Measure(options, width)

        member _.Render(options, width) =
            inner.Render(options, width)
            |> Seq.map (fun segment ->
                if segment.IsControlCode || segment.IsLineBreak then
                    segment
                else
                    Segment(Terminal.safe segment.Text, segment.Style))

let safe (inner: IRenderable) : IRenderable = SafeView inner
