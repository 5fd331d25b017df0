namespace ChannelDistillation.Dsl.Launch

/// What a worker process trains on.
type WorkerDevice =
    /// The only worker of a sweep: `auto`, `cpu`, `cuda` or `cuda:N`.
    | Sole of wanted: string
    /// The processor; its workers are told apart by a number, from 1.
    | Processor of number: int
    /// The GPU with this number, from 0.
    | Gpu of index: int

    /// How the worker is called.
    override this.ToString() =
        match this with
        | Sole wanted -> wanted
        | Processor number -> $"cpu {number}"
        | Gpu index -> $"cuda:{index}"

module WorkerDevice =
    /// What the machine has to have for it.
    let onMachine (device: WorkerDevice) =
        match device with
        | Sole wanted -> wanted
        | Processor _ -> "cpu"
        | Gpu index -> $"cuda:{index}"

    /// Of several workers each sees no GPU but its own, which therefore is its first: a library that touches the first GPU, whichever is meant, then
    /// takes no memory on another worker's.
    let inWorker (device: WorkerDevice) =
        match device with
        | Sole wanted -> wanted
        | Processor _ -> "cpu"
        | Gpu _ -> "cuda:0"

    /// `CUDA_VISIBLE_DEVICES` of the worker; None: as it is.
    /// <param name="visible">The variable here, which may name only some of the machine's GPUs.</param>
    let visible (visible: string option) (device: WorkerDevice) : string option =
        match device, visible with
        | Sole _, _
        | Processor _, _ -> None
        | Gpu index, (None | Some "") -> Some(string index)
        | Gpu index, Some names -> names.Split ',' |> Array.tryItem index |> Option.map _.Trim() |> Option.orElse (Some(string index))
