// imagenet-ablation.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/imagenet-ablation.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "imagenet-ablation" {
    description "ResNet34 -> ResNet18 on ImageNet, the paper's ablation"
    dataset "imagenet"
    teacher (known "resnet34-imagenet")
    student "resnet18"

    train [
        epochs 100
        batch 256
        sgd 0.1 [ momentum 0.9; weight_decay 1e-4 ]
        step [ 30; 60; 90 ] 0.1
    ]

    losses [
        ce |> weight 1
        kd |> weight 1 |> temperature 1
        cd |> weight 6
        gkd |> weight 1 |> temperature 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "cd" [ ce; cd ]
    variant "cd+gkd" [ ce; cd |> decay_every 30 0.9; gkd ]
    variant "cd+gkd+edt" [ ce; cd; gkd ] |> edt imagenet
    seeds [ 0 ]

    published "arXiv 2006.01683, table of results on ImageNet" [
        errors "teacher" 26.73 8.74
        errors "student" 30.43 10.76
        errors "kd" 29.50 9.52
        errors "cd" 28.53 9.56
        errors "cd+gkd" 28.26 9.41
        errors "cd+gkd+edt" 27.61 9.2
    ]

    published_protocol "single run, best epoch on the validation set"
}
|> emit
