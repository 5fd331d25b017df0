/// The worker side of a sweep: does the parts of the sweep that it reads from standard input.
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

/// Reads requests in the background. The end of the input stops the worker, as a signal does. If native code does not return, the worker kills
/// itself, because no other process would.
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
    let device = ComputeSettings.choose options.Device options.ComputeSettings

    send (
        Messages.ready
            { Device = device
              Obstacles = (PrecisionWarnings.obstacles [ device ]).Value
              Hint = Option.ofObj (Devices.Hint options.Device) }
    )

    let options = { options with Device = device; Quiet = true; Observer = Some reporting }
    let mutable plan: Plan option = None
    let mutable stoppedWithinPart = false

    let doPart (plan: Plan) (part: SweepPart) (mode: ComputeMode) =
        let options = { options with Part = part }

        match mode with
        | Standard -> Sweep.run options plan source.Token
        | Conservative ->
            try
                Devices.UseOneDnn false
            with :? MissingException ->
                () // This libtorch cannot disable oneDNN; only the layout is changed.

            try
                // A GPU supports only one layout.
                let layout =
                    if device = "cpu" then
                        LayoutRequest.Contiguous
                    else
                        options.ComputeSettings.Layout

                Sweep.run { options with ComputeSettings = { options.ComputeSettings with Layout = layout } } plan source.Token
            finally
                Devices.UseOneDnn true

    /// None: the file of the network cannot be used; the runs that need it report why.
    let costOf (network: CountedModel) =
        try
            Some(network, ModelCost.Of network)
        with :? InvalidDataException ->
            None

    let work (plan: Plan) (request: Request) =
        match request with
        | RequestCosts -> send (Messages.counted (Layouts.networks plan |> List.choose costOf))
        | DoPart(part, mode) ->
            let outcome = doPart plan part mode

            if source.IsCancellationRequested then
                stoppedWithinPart <- true
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

    stoppedWithinPart

/// Handles requests until the input ends.
/// <param name="options">`Device` is the requested device.</param>
/// <returns>Whether it was stopped within a part. The state of its runs is saved, and the end of the part is not reported.</returns>
/// <exception cref="MissingException">The device is missing.</exception>
/// <exception cref="DeviceLostException">The process can no longer use its device.</exception>
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
        // Through the message channel, because libraries print to standard error.
        send (Messages.leaving error.Message)
        reraise ()
