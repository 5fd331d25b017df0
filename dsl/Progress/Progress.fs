/// Chooses how progress is shown.
module ChannelDistillation.Dsl.Progress.Progress

open System
open Spectre.Console
open Spectre.Console.Rendering

/// Runs the work with an observer that suits where the output goes: a view in place on a terminal, plain lines elsewhere, nothing when quiet.
let during (quiet: bool) (cohorts: int) (work: IProgress -> 'result) : 'result =
    if quiet then
        work (Silent())
    elif Console.IsOutputRedirected || not AnsiConsole.Profile.Capabilities.Interactive then
        work (Lines(Console.Out, cohorts))
    else
        let display = AnsiConsole.Live(Text "").AutoClear true

        display.Start(fun context ->
            let show (view: IRenderable) =
                context.UpdateTarget view
                context.Refresh()

            work (Live(AnsiConsole.Console, cohorts, show)))
