// quickstart.yaml in F#.
//
//   dotnet fsi build.fsx sweep experiments/quickstart.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "quickstart" {
    description "ResNet-14 -> ResNet-8 on a part of Fashion-MNIST, a few epochs"
    dataset "fashion-mnist-mini"
    teacher (train ("resnet14", [ epochs 4 ]))
    student "resnet8"

    train [
        epochs 3
        batch 32
        sgd 0.1 [ momentum 0.9; weight_decay 5e-4 ]
        cosine
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
        ce |> start_after 1
        cd |> decay_step [ 2; 3 ] 0.9
        gkd |> start_after 1
    ]

    seeds [ 0 ]
}
|> emit
