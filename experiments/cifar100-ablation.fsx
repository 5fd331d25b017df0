// cifar100-ablation.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/cifar100-ablation.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "cifar100-ablation" {
    description "ResNet152 -> ResNet50 on CIFAR-100, the paper's ablation"
    dataset "cifar100"
    teacher (checkpoint "resnet152" "pretrain/resnet152-cifar.pth")
    student "resnet50"

    train [
        epochs 200
        batch 128
        sgd 0.1 [ momentum 0.9; weight_decay 5e-4 ]
        step [ 60; 120; 160 ] 0.2
    ]

    losses [
        ce |> weight 1
        kd |> weight 1 |> temperature 1
        cd |> weight 6
        gkd |> weight 0.1 |> temperature 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "cd" [ ce; cd ]
    variant "cd+gkd" [ ce; cd; gkd ]
    variant "cd+gkd+edt" [ ce; cd; gkd ] |> edt cifar
    variant "late-ce" [ ce |> start_after 60 ]
    variant "cd-stops" [ ce |> start_after 60 |> weight_decay_at_zero true; cd |> stop_after 60 ]
    seeds [ 0; 1; 2 ]

    published "arXiv 2006.01683, table of results on CIFAR-100" [
        errors "teacher" 19.09 4.45
        errors "student" 22.02 5.74
        errors "kd" 20.36 4.94
        errors "cd" 20.08 4.78
        errors "cd+gkd" 19.49 4.85
        errors "cd+gkd+edt" 18.63 4.29
    ]

    published_protocol "single run, best epoch on the validation set"
}
|> emit
