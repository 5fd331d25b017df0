// fashion-mnist-methods.yaml in F#, with a loop for the rows that add one loss to cross-entropy.
//
//   dotnet fsi build.fsx sweep experiments/fashion-mnist-methods.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

let length = 20

/// Scales an epoch of the paper's 200 to another number of epochs.
let scaled epoch = epoch * length / 200

experiment "fashion-mnist-methods" {
    description "ResNet-20 -> ResNet-8 on Fashion-MNIST, all methods"
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
        ce
        kd
        fitnets
        at
        sp
        cc
        vid
        rkd
        pkt
        nst
        crd
        dkd |> warmup 2
        dist
        nkd
        ttm
        wttm
        rld |> warmup 2
        skd
        mlld
        wkd
        sd_kd |> parameter "scales" 2
        sd_dkd |> parameter "scales" 2 |> warmup 2
        sd_nkd |> parameter "scales" 2
        reviewkd |> warmup 2
        residual_kd
        cd
        gkd |> weight 0.1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "fitnets" [ ce; fitnets ]
    variant "fitnets-two-stages" [ fitnets |> stop_after 5; ce |> start_after 5; kd |> start_after 5 ]

    for method in [ at; sp; cc; vid; rkd; pkt; nst; crd ] do
        variant (fst method) [ ce; method ]

    variant "crd+kd" [ ce; crd; kd ]

    for method in [ dkd; dist; nkd; ttm; wttm; rld ] do
        variant (fst method) [ ce; method ]

    variant "skd" [ ce |> weight 0.1; skd ]
    variant "mlld" [ ce; mlld ]
    variant "wkd" [ ce; wkd ]
    variant "sd-kd" [ ce |> weight 0.1; sd_kd ]
    variant "sd-dkd" [ ce; sd_dkd ]
    variant "sd-nkd" [ ce; sd_nkd ]
    variant "kd-standardized" [ ce |> weight 0.1; kd |> weight 9 |> temperature 2 |> parameter ("standardize", true) ]
    variant "kd-trained-temperature" [ ce |> weight 0.1; kd |> weight 0.9 |> parameter ("train_temperature", true) ]

    for method in [ reviewkd; residual_kd; cd ] do
        variant (fst method) [ ce; method ]

    variant "cd+gkd+edt" [
        ce |> start_after (scaled 60)
        cd |> decay_step [ scaled 60; scaled 160 ] 0.9
        gkd |> start_after (scaled 60)
    ]

    seeds [ 0; 1; 2 ]
}
|> emit
