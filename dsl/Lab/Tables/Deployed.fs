/// The rows of a table whose networks were measured in ONNX Runtime.
module ChannelDistillation.Lab.Tables.Deployed

open ChannelDistillation.Export

/// The measurement of a row. None: not measured, or the experiment has another network now.
let costOf (deployment: Deployment) (row: ResultRow) : DeployCost option =
    let isSame (measured: DeployedRow) =
        measured.Variant = row.Variant
        && measured.Axes.Count = row.Axes.Length
        && row.Axes |> List.forall (fun (path, value) -> measured.Axes.TryGetValue path = (true, value))
        && row.Cost |> Option.exists (fun cost -> cost.Parameters = measured.Parameters && cost.MultiplyAdds = Some measured.Macs)

    if row.Status = PublishedOnly then
        None
    else
        deployment.Rows |> Seq.tryFind isSame |> Option.map _.Cost

/// What was measured, and how.
let caption (deployment: Deployment) =
    let threads = if deployment.Threads = 1 then "1 thread" else $"{deployment.Threads} threads"

    $"`ONNX size`, `latency` and `images/s`: ONNX Runtime {deployment.OnnxRuntime}, {threads}, {deployment.Processor}; "
    + $"`latency` is the median time for one image, `images/s` the throughput with batches of {DeployTiming.Batch}. The networks were measured in turn."
