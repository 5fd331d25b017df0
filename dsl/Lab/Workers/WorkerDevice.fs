namespace ChannelDistillation.Lab.Workers

/// What a worker process trains on.
type WorkerDevice =
    /// The only worker of a sweep: `auto`, `cpu`, `cuda` or `cuda:N`.
    | Sole of wanted: string
    /// The processor; its workers are told apart by a number, from 1.
    | Processor of number: int
    /// The GPU with this number, from 0; where several workers share it, they are told apart by another number, from 1.
    | Gpu of index: int * worker: int option

    /// How the worker is called.
    override this.ToString() =
        match this with
        | Sole wanted -> wanted
        | Processor number -> $"cpu {number}"
        | Gpu(index, None) -> $"cuda:{index}"
        | Gpu(index, Some worker) -> $"cuda:{index} {worker}"

module WorkerDevice =
    /// Workers on GPUs, in the order of their GPUs' numbers here. A GPU that is named several times has as many workers.
    let onGpus (indices: int list) : WorkerDevice list =
        let isShared index = (indices |> List.filter ((=) index)).Length > 1

        indices
        |> List.mapi (fun place index ->
            let earlier = indices |> List.truncate place |> List.filter ((=) index)
            Gpu(index, (if isShared index then Some(earlier.Length + 1) else None)))

    /// As many workers for each of some devices, one device's after another's.
    let times (count: int) (devices: WorkerDevice list) : WorkerDevice list =
        let repeated =
            [ for device in devices do
                  yield! List.replicate count device ]

        match devices with
        | Gpu _ :: _ ->
            onGpus
                [ for device in repeated do
                      match device with
                      | Gpu(index, _) -> index
                      | _ -> () ]
        | _ -> [ for number in 1 .. repeated.Length -> Processor number ]

    /// What the machine has to have for it.
    let onMachine (device: WorkerDevice) =
        match device with
        | Sole wanted -> wanted
        | Processor _ -> "cpu"
        | Gpu(index, _) -> $"cuda:{index}"

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
        | Gpu(index, _), (None | Some "") -> Some(string index)
        | Gpu(index, _), Some names -> names.Split ',' |> Array.tryItem index |> Option.map _.Trim() |> Option.orElse (Some(string index))
