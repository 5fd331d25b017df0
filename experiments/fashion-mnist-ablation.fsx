// fashion-mnist-ablation.yaml in F#. The schedule of the last row is computed by scaling the paper's to another number of epochs.
//
//   dotnet fsi build.fsx sweep experiments/fashion-mnist-ablation.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

let length = 20

/// Scales an epoch of the paper's 200 to another number of epochs.
let scaled epoch = epoch * length / 200

experiment "fashion-mnist-ablation" {
    description "ResNet-20 -> ResNet-8 on Fashion-MNIST"
    dataset "fashion-mnist"
    teacher (train ("resnet20", []))
    student "resnet8"

    train [
        epochs length
        batch 128
        sgd 0.1 [ momentum 0.9; weight_decay 5e-4 ]
        step [ 10; 15; 18 ] 0.2
    ]

    losses [
        ce |> weight 1
        kd |> weight 1 |> temperature 4
        cd |> weight 6
        gkd |> weight 0.1 |> temperature 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "cd" [ ce; cd ]
    variant "cd+gkd" [ ce; cd; gkd ]

    variant "cd+gkd+edt" [
        ce |> start_after (scaled 60)
        cd |> decay_step [ scaled 60; scaled 160 ] 0.9
        gkd |> start_after (scaled 60)
    ]

    seeds [ 0; 1; 2 ]
}
|> emit
