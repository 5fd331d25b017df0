module ChannelDistillation.Cli.Program

[<EntryPoint>]
let main _ =
    use t = TorchSharp.torch.ones(2L, 3L)
    printfn "%d" (TorchSharp.torch.get_num_threads ())
    0
