// imagenet-r34-r18.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/imagenet-r34-r18.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "imagenet-r34-r18" {
    description "ResNet34 -> ResNet18 on ImageNet, methods from KD to WKD"
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
        kd |> weight 0.5 |> temperature 1
        dkd |> parameter "alpha" 1 |> parameter "beta" 0.5 |> temperature 1 |> warmup 1
        dist |> weight 2 |> parameter "beta" 1 |> parameter "gamma" 1 |> temperature 1
        reviewkd |> weight 1 |> warmup 1 |> parameter ("pre_activation", true)
        nkd |> parameter "gamma" 1.5 |> temperature 1
        wttm |> weight 1.6 |> parameter "gamma" 0.8
        rld |> parameter "alpha" 1 |> parameter "beta" 0.5 |> temperature 1 |> parameter "confidence_temperature" 1
        wkd |> parameter "gamma" 30 |> temperature 2 |> parameter "sharpness" 1 |> parameter ("similarity", "logits")
        sd_kd |> weight 0.9 |> temperature 4 |> parameter "scales" 2
        sd_dkd |> parameter "alpha" 1 |> parameter "beta" 0.5 |> temperature 1 |> warmup 1 |> parameter "scales" 2
        sd_nkd |> parameter "gamma" 0.5 |> temperature 1 |> parameter "scales" 2
        cd |> weight 6
        gkd |> weight 1 |> temperature 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce |> weight 0.5; kd ]
    variant "kd+ls" [ ce; kd |> weight 9 |> temperature 2 |> parameter ("standardize", true) ]

    for method in [ dkd; dist; reviewkd; nkd; wttm; rld; wkd ] do
        variant (fst method) [ ce; method ]

    variant "sd-kd" [ ce |> weight 0.1; sd_kd ]
    variant "sd-dkd" [ ce; sd_dkd ]
    variant "sd-nkd" [ ce; sd_nkd ]
    variant "cd" [ ce; cd ]
    variant "cd+gkd" [ ce; cd |> decay_every 30 0.9; gkd ]
    variant "cd+gkd+edt" [ ce; cd; gkd ] |> edt imagenet
    seeds [ 0 ]

    published "arXiv 2006.01683, table of results on ImageNet" [
        errors "teacher" 26.73 8.74
        errors "student" 30.43 10.76
        top1_error "kd" 28.97 |> source "arXiv 2203.08679, README of its code, mdistiller" |> protocol "best epoch, number of runs not stated"
        top1_error "kd+ls" 28.58 |> source "arXiv 2403.01427" |> protocol "best epoch, number of runs not stated"
        top1_error "dkd" 28.30 |> source "arXiv 2203.08679, README of its code, mdistiller" |> protocol "best epoch, number of runs not stated"
        top1_error "dist" 27.93 |> source "arXiv 2205.10536, README of its code, DIST_KD" |> protocol "best or last epoch and number of runs not stated"
        top1_error "reviewkd" 28.39 |> source "arXiv 2104.09044" |> protocol "best or last epoch and number of runs not stated"
        top1_error "nkd" 28.04 |> source "arXiv 2303.13005" |> protocol "best or last epoch and number of runs not stated"
        top1_error "wttm" 27.81 |> source "arXiv 2402.11148, README of its code, TTM" |> protocol "best or last epoch and number of runs not stated"
        top1_error "rld" 28.09 |> source "arXiv 2408.07703, from a summary of it" |> protocol "best epoch, number of runs not stated"
        top1_error "wkd" 27.51 |> source "arXiv 2412.08139, README of its code, WKD" |> protocol "best epoch, number of runs not stated, mixed precision"
        top1_error "sd-kd" 28.56 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
        top1_error "sd-dkd" 27.98 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
        top1_error "sd-nkd" 27.67 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
        errors "cd" 28.53 9.56
        errors "cd+gkd" 28.26 9.41
        errors "cd+gkd+edt" 27.61 9.2
    ]

    published_protocol "single run, best epoch on the validation set"
}
|> emit
