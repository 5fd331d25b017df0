namespace ChannelDistillation.Lab.Workers

/// The device of a worker process.
type WorkerDevice =
    /// The only worker of a sweep: `auto`, `cpu`, `cuda` or `cuda:N`.
    | Sole of wanted: string
    /// The CPU; workers are numbered from 1.
    | Processor of number: int
    /// A GPU by its index, from 0. Workers that share it are numbered from 1.
    | Gpu of index: int * worker: int option

    /// The name of the worker.
    override this.ToString() =
        match this with
        | Sole wanted -> wanted
        | Processor number -> $"cpu {number}"
        | Gpu(index, None) -> $"cuda:{index}"
        | Gpu(index, Some worker) -> $"cuda:{index} {worker}"

module WorkerDevice =
    /// Workers on GPUs, in the given order. A GPU that is listed several times has as many workers.
    let onGpus (indices: int list) : WorkerDevice list =
        let isShared index = (indices |> List.filter ((=) index)).Length > 1

        indices
        |> List.mapi (fun place index ->
            let earlier = indices |> List.truncate place |> List.filter ((=) index)
            Gpu(index, (if isShared index then Some(earlier.Length + 1) else None)))

    /// `count` workers for each device, device by device.
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

    /// The worker's device as this machine names it.
    let onMachine (device: WorkerDevice) =
        match device with
        | Sole wanted -> wanted
        | Processor _ -> "cpu"
        | Gpu(index, _) -> $"cuda:{index}"

    /// The worker's device as the worker names it. Each of several workers sees only its own GPU, as cuda:0. Otherwise a library that always touches the
    /// first GPU would take memory on another worker's.
    let inWorker (device: WorkerDevice) =
        match device with
        | Sole wanted -> wanted
        | Processor _ -> "cpu"
        | Gpu _ -> "cuda:0"

    /// `CUDA_VISIBLE_DEVICES` of the worker. None: unchanged.
    /// <param name="visible">The variable in this process, which may list only some of the machine's GPUs.</param>
    let visible (visible: string option) (device: WorkerDevice) : string option =
        match device, visible with
        | Sole _, _
        | Processor _, _ -> None
        | Gpu(index, _), (None | Some "") -> Some(string index)
        | Gpu(index, _), Some names -> names.Split ',' |> Array.tryItem index |> Option.map _.Trim() |> Option.orElse (Some(string index))
