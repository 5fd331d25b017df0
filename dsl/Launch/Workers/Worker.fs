/// The side of a worker process: it does parts of a sweep as it is told on its standard input.
module ChannelDistillation.Dsl.Launch.Worker

open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Threading
open ChannelDistillation
open ChannelDistillation.Dsl
open ChannelDistillation.Models
open ChannelDistillation.Training

let private planOf (message: string) : Plan =
    match Experiments.ofSource (Source("the experiment", Messages.readExperiment message)) [] with
    | Ok(plan, _) -> plan
    | Error problems -> raise (Refused(Render.problems problems))

/// The end of the input stops it, as a signal does. In an endless loop of native code it does not stop, and nobody is left to kill it.
let private listen (input: TextReader) (source: CancellationTokenSource) : BlockingCollection<string> =
    let messages = new BlockingCollection<string>()

    let rec read () =
        match input.ReadLine() with
        | null ->
            source.Cancel()
            messages.CompleteAdding()
            Thread.Sleep WorkerProcess.Patience
            Process.GetCurrentProcess().Kill()
        | message ->
            messages.Add message
            read ()

    Thread(read, IsBackground = true).Start()
    messages

/// Works until the input ends.
/// <param name="options">Its device is the one that is asked for.</param>
/// <returns>Whether it was stopped within a part: what that one trained is saved, and its end is not reported.</returns>
/// <exception cref="MissingException">The device is not there.</exception>
let run (options: SweepOptions) (input: TextReader) (output: TextWriter) (source: CancellationTokenSource) : bool =
    let send (message: string) =
        lock output (fun () ->
            output.WriteLine message
            output.Flush())

    let reporting = Messages.Reporting send
    let messages = listen input source
    options.Threads |> Option.iter Devices.UseThreads
    let device = Computing.choose options.Device options.Computing

    send (
        Messages.ready
            { Device = device
              Obstacles = (Precisions.obstacles [ device ]).Value
              Hint = Option.ofObj (Devices.Hint options.Device) }
    )

    let options = { options with Device = device; Quiet = true; Observer = Some reporting }
    let mutable plan: Plan option = None
    let mutable within = false

    let doPart (plan: Plan) (part: Part) (mode: ComputeMode) =
        if mode = WithoutOneDnn then
            try
                Devices.UseOneDnn false
            with :? MissingException ->
                () // This libtorch has no such switch: the attempt is one more of the same kind.

        try
            Sweep.run { options with Part = part } plan source.Token
        finally
            if mode = WithoutOneDnn then
                Devices.UseOneDnn true

    let work (plan: Plan) (request: Request) =
        match request with
        | RequestCosts -> send (Messages.counted [ for network in Layouts.networks plan -> network, ModelCost.Of network ])
        | DoPart(part, mode) ->
            let outcome = doPart plan part mode

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

    for message in messages.GetConsumingEnumerable() do
        match plan with
        | None -> plan <- Some(planOf message)
        | Some plan when not source.IsCancellationRequested -> work plan (Messages.readRequest message)
        | Some _ -> ()

    within
