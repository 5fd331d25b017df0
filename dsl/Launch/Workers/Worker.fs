/// The side of a worker process: it does parts of a sweep as it is told on its standard input.
module ChannelDistillation.Dsl.Launch.Worker

open System.Collections.Concurrent
open System.IO
open System.Threading
open ChannelDistillation.Dsl

let private planOf (message: string) : Plan =
    match Experiments.ofSource (Source("the experiment", Messages.readExperiment message)) [] with
    | Ok(plan, _) -> plan
    | Error problems -> raise (Refused(Render.problems problems))

/// The end of the input stops it, as a signal does.
let private listen (input: TextReader) (source: CancellationTokenSource) : BlockingCollection<string> =
    let messages = new BlockingCollection<string>()

    let rec read () =
        match input.ReadLine() with
        | null ->
            source.Cancel()
            messages.CompleteAdding()
        | message ->
            messages.Add message
            read ()

    Thread(read, IsBackground = true).Start()
    messages

/// Works until the input ends.
/// <returns>Whether it was stopped within a part: what that one trained is saved, and its end is not reported.</returns>
let run (options: SweepOptions) (input: TextReader) (output: TextWriter) (source: CancellationTokenSource) : bool =
    let send (message: string) =
        lock output (fun () ->
            output.WriteLine message
            output.Flush())

    let reporting = Messages.Reporting send
    let messages = listen input source
    let mutable plan: Plan option = None
    let mutable within = false

    for message in messages.GetConsumingEnumerable() do
        match plan with
        | None -> plan <- Some(planOf message)
        | Some plan when not source.IsCancellationRequested ->
            let options = { options with Part = Messages.readPart message; Quiet = true; Observer = Some reporting }

            let outcome = Sweep.run options plan source.Token

            if source.IsCancellationRequested then
                within <- true
            else
                send (
                    Messages.ended
                        { InOtherHands = outcome.InOtherHands |> List.map Job.nameOf
                          Obstacles = outcome.Obstacles
                          Missing = outcome.Missing
                          Remarks = outcome.Remarks }
                )
        | Some _ -> ()

    within
