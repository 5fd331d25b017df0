// fashion-mnist-results.yaml in F#.
//
//   dotnet fsi build.fsx sweep experiments/fashion-mnist-results.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "fashion-mnist-results" {
    description "ResNet-20 -> ResNet-8 on Fashion-MNIST, three epochs"
    dataset "fashion-mnist"
    teacher (train ("resnet20", [ epochs 4 ]))
    student "resnet8"

    train [
        epochs 3
        batch 128
        sgd 0.1 [ momentum 0.9; weight_decay 5e-4 ]
        cosine
    ]

    losses [ ce; kd; fitnets; at; rkd; cd; gkd |> weight 0.1 |> temperature 1 ]

    variant "student" [ ce ]

    for method in [ kd; fitnets; at; rkd; cd ] do
        variant (fst method) [ ce; method ]

    variant "cd+gkd" [ ce; cd; gkd ]

    variant "cd+gkd+edt" [
        ce |> start_after 1
        cd |> decay_step [ 2; 3 ] 0.9
        gkd |> start_after 1
    ]

    variant "late-ce" [ ce |> start_after 1 ]
    variant "cd-stops" [ ce |> start_after 1; cd |> stop_after 1 ]

    seeds [ 0; 1; 2 ]
}
|> emit
