/// Follows a sweep on a cluster until none of its jobs is left.
module ChannelDistillation.Dsl.Slurm.Follow

open System
open System.Collections.Generic
open System.Threading
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Dsl.Progress
open Spectre.Console
open Spectre.Console.Rendering

/// What is shown of a moment.
type private View = { Sentence: string; Training: (Job * ChannelDistillation.Records.EpochRecord option) list }

let private frame (view: View) : IRenderable =
    let table = Table().Border(TableBorder.None)
    table.AddColumn "[grey]run[/]" |> ignore
    table.AddColumn(TableColumn("[grey]epoch[/]").RightAligned()) |> ignore
    table.AddColumn(TableColumn("[grey]top-1 error[/]").RightAligned()) |> ignore
    // A view that does not fit on the terminal cannot be redrawn in place.
    let most = max 1 (AnsiConsole.Console.Profile.Height - 5)

    for job, last in view.Training |> List.truncate most do
        let epoch = last |> Option.map _.Epoch |> Option.defaultValue 0
        let error = last |> Option.map (fun record -> Figures.percent record.Top1Error) |> Option.defaultValue ""
        table.AddRow [| Markup.Escape job.Run.Name; $"{epoch}/{job.Run.Spec.Train.Epochs}"; error |] |> ignore

    if view.Training.Length > most then
        table.AddRow [| $"[grey]and {view.Training.Length - most} more[/]" |] |> ignore

    Rows(Markup $"[bold]{Markup.Escape view.Sentence}[/]", table)

/// For logs: what changed, and when.
let private lines () : View -> unit =
    let mutable last = ""

    fun view ->
        if view.Sentence <> last then
            last <- view.Sentence
            printfn "%s  %s" (DateTime.Now.ToString "HH:mm:ss") view.Sentence

/// Asks the scheduler again and again, with so much time between that it is no burden. Gives whether it was followed to the end.
/// <param name="retryFailed">Whether the sweep tries runs again that diverged or failed.</param>
/// <param name="jobs">What is followed: jobs of the queue that train none of these are not waited for.</param>
let run (quiet: bool) (between: TimeSpan) (retryFailed: bool) (experimentFolder: string) (jobs: Job list) (stop: CancellationToken) : bool =
    let names = HashSet(jobs |> List.map Job.nameOf)

    let rec follow (show: View -> unit) (jobs: Job list) =
        let entries = Queue.read experimentFolder |> Queue.workingFor names
        let now, status = Status.read retryFailed jobs entries
        show { Sentence = Status.sentence status; Training = status.Training }

        if entries.IsEmpty then true
        elif stop.WaitHandle.WaitOne between then false
        else follow show now

    if quiet then
        follow ignore jobs
    elif Progress.isTerminal () then
        Progress.inPlace (fun show -> follow (frame >> show) jobs)
    else
        follow (lines ()) jobs
