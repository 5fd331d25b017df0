/// Follows a sweep on a cluster until all of its jobs have ended.
module ChannelDistillation.Lab.Slurm.Follow

open System
open System.Collections.Generic
open System.Threading
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs

/// The state that is displayed.
type private View = { Status: string; Training: (Job * EpochRecord option) list }

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

    Rows(Markup $"[bold]{Markup.Escape view.Status}[/]", table)

/// For logs: prints the status with the time whenever it changes.
let private lines () : View -> unit =
    let mutable last = ""

    fun view ->
        if view.Status <> last then
            last <- view.Status
            printfn "%s  %s" (DateTime.Now.ToString "HH:mm:ss") view.Status

/// How following a sweep ended.
type Followed =
    | ToTheEnd
    /// The user stopped following.
    | Left
    /// The scheduler did not answer for too long; `reason` is its last error.
    | Unanswered of reason: string

/// Queries the scheduler at intervals until no job of the runs is left.
/// <param name="retryFailed">Whether the sweep retries runs that diverged or failed.</param>
/// <param name="jobs">The runs to follow; queued jobs that train none of them are ignored.</param>
let run (quiet: bool) (between: TimeSpan) (retryFailed: bool) (experimentFolder: string) (jobs: Job list) (stop: CancellationToken) : Followed =
    let names = HashSet(jobs |> List.map Job.nameOf)
    let wait () = not (stop.WaitHandle.WaitOne between)

    let rec follow (show: View -> unit) (training: (Job * EpochRecord option) list) (jobs: Job list) =
        let say sentence = show { Status = sentence; Training = training }

        match SchedulerQuery.ask TimeProvider.System wait say (fun () -> Queue.read experimentFolder) with
        | SchedulerQuery.Stopped -> Left
        | SchedulerQuery.NoAnswer reason -> Unanswered reason
        | SchedulerQuery.Answer entries ->
            let entries = entries |> Queue.workingFor names
            let now, status = Status.read retryFailed jobs entries
            show { Status = Status.sentence status; Training = status.Training }

            if entries.IsEmpty then ToTheEnd
            elif wait () then follow show status.Training now
            else Left

    if quiet then
        follow ignore [] jobs
    elif Progress.isTerminal () then
        Progress.inPlace (fun show -> follow (frame >> show) [] jobs)
    else
        follow (lines ()) [] jobs
