// imagenet-r50-mobilenetv1.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/imagenet-r50-mobilenetv1.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "imagenet-r50-mobilenetv1" {
    description "ResNet50 -> MobileNet on ImageNet, methods from KD to WKD"
    dataset "imagenet"
    teacher (known "resnet50-imagenet")
    student "mobilenetv1"

    train [
        epochs 100
        batch 256
        sgd 0.1 [ momentum 0.9; weight_decay 1e-4 ]
        step [ 30; 60; 90 ] 0.1
    ]

    losses [
        ce |> weight 1
        kd |> weight 0.5 |> temperature 1
        dkd |> parameter "alpha" 1 |> parameter "beta" 2 |> temperature 1 |> warmup 1
        dist |> weight 2 |> parameter "beta" 1 |> parameter "gamma" 1 |> temperature 1
        reviewkd |> weight 8 |> warmup 1 |> parameter ("pre_activation", true)
        nkd |> parameter "gamma" 1.5 |> temperature 1
        wttm |> weight 3.5 |> parameter "gamma" 0.7
        rld |> parameter "alpha" 1 |> parameter "beta" 2 |> temperature 1 |> parameter "confidence_temperature" 1
        wkd |> parameter "gamma" 25 |> temperature 2 |> parameter "sharpness" 2 |> parameter ("similarity", "logits")
        sd_kd |> weight 0.9 |> temperature 4 |> parameter "scales" 3
        sd_dkd |> parameter "alpha" 1 |> parameter "beta" 2 |> temperature 1 |> warmup 1 |> parameter "scales" 3
        sd_nkd |> parameter "gamma" 2 |> temperature 1 |> parameter "scales" 3
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

    published "arXiv 2104.09044, table of ResNet50 and MobileNet on ImageNet" [
        top1_error "teacher" 23.84
        top1_error "student" 31.13
        top1_error "kd" 29.50 |> source "arXiv 2203.08679, README of its code, mdistiller" |> protocol "best epoch, number of runs not stated"
        top1_error "kd+ls" 27.82 |> source "arXiv 2403.01427" |> protocol "best epoch, number of runs not stated"
        top1_error "dkd" 27.95 |> source "arXiv 2203.08679, README of its code, mdistiller" |> protocol "best epoch, number of runs not stated"
        top1_error "dist" 26.76 |> source "arXiv 2205.10536, README of its code, DIST_KD" |> protocol "best or last epoch and number of runs not stated"
        top1_error "reviewkd" 27.44 |> source "arXiv 2104.09044" |> protocol "best or last epoch and number of runs not stated"
        top1_error "nkd" 27.42 |> source "arXiv 2303.13005" |> protocol "best or last epoch and number of runs not stated"
        top1_error "wttm" 26.91 |> source "arXiv 2402.11148, README of its code, TTM" |> protocol "best or last epoch and number of runs not stated"
        top1_error "rld" 27.25 |> source "arXiv 2408.07703, from a summary of it" |> protocol "best epoch, number of runs not stated"
        top1_error "wkd" 26.83 |> source "arXiv 2412.08139, README of its code, WKD" |> protocol "best epoch, number of runs not stated, mixed precision"
        top1_error "sd-kd" 27.76 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
        top1_error "sd-dkd" 26.92 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
        top1_error "sd-nkd" 26.88 |> source "arXiv 2403.13512" |> protocol "best epoch, number of runs not stated"
    ]

    published_protocol "best or last epoch and number of runs not stated"
}
|> emit
