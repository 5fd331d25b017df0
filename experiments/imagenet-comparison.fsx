// imagenet-comparison.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/imagenet-comparison.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "imagenet-comparison" {
    description "ResNet34 -> ResNet18 on ImageNet, the paper's comparison with other methods"
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
        fitnets |> weight 100
        at |> weight 1000
        residual_kd |> weight 1
        cd |> weight 6
        gkd |> weight 1 |> temperature 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "fitnets" [ ce; fitnets ]
    variant "at" [ ce; at ]
    variant "residual-kd" [ ce; residual_kd ]
    variant "cd" [ ce; cd ]
    variant "cd+gkd" [ ce; cd |> decay_every 30 0.9; gkd ]
    variant "cd+gkd+edt" [ ce; cd; gkd ] |> edt imagenet
    seeds [ 0 ]

    published "arXiv 2006.01683, table of comparisons on ImageNet" [
        errors "teacher" 26.73 8.74
        errors "student" 30.43 10.76
        errors "kd" 29.50 9.52
        errors "fitnets" 29.34 10.77
        errors "at" 29.30 10.00
        errors "residual-kd" 28.46 9.74
        errors "cd" 28.53 9.56
        errors "cd+gkd" 28.26 9.41
        errors "cd+gkd+edt" 27.61 9.2
    ]

    published_protocol "single run, best epoch on the validation set"
}
|> emit
