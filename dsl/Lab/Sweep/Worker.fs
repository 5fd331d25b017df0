/// The side of a worker process: it does parts of a sweep as it is told on its standard input.
module ChannelDistillation.Lab.Sweep.Worker

open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Threading
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Models
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers

let private planOf (message: string) : Plan =
    match Experiments.ofSource (Source("the experiment", Messages.readExperiment message)) [] with
    | Ok(plan, _) -> plan
    | Error problems -> raise (UsageError(Render.problems problems))

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

let private serve (options: SweepOptions) (input: TextReader) (send: string -> unit) (source: CancellationTokenSource) : bool =
    let reporting = Messages.reporting send
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
        let options = { options with Part = part }

        match mode with
        | Standard -> Sweep.run options plan source.Token
        | Conservative ->
            try
                Devices.UseOneDnn false
            with :? MissingException ->
                () // This libtorch has no such switch: the layout remains to be tried.

            try
                // A GPU has one layout only.
                let layout = if device = "cpu" then LayoutRequest.Contiguous else options.Computing.Layout
                Sweep.run { options with Computing = { options.Computing with Layout = layout } } plan source.Token
            finally
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
                        { ClaimedElsewhere = outcome.ClaimedElsewhere |> List.map Job.nameOf
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

/// Works until the input ends.
/// <param name="options">Its device is the one that is asked for.</param>
/// <returns>Whether it was stopped within a part: what that one trained is saved, and its end is not reported.</returns>
/// <exception cref="MissingException">The device is not there.</exception>
/// <exception cref="DeviceLostException">The process cannot use its device any more.</exception>
let run (options: SweepOptions) (input: TextReader) (output: TextWriter) (source: CancellationTokenSource) : bool =
    let send (message: string) =
        lock output (fun () ->
            output.WriteLine message
            output.Flush())

    try
        serve options input send source
    with
    | :? MissingException
    | :? DeviceLostException as error ->
        // By the channel that libraries do not print to.
        send (Messages.leaving error.Message)
        reraise ()
