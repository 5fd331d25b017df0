// crd-benchmark.yaml in F#.
//
//   dotnet fsi build.fsx plan experiments/crd-benchmark.fsx
#load "dsl.fsx"

open ChannelDistillation.Specs
open ChannelDistillation.Dsl.Builders

let methods = [ "teacher"; "student"; "kd"; "fitnets"; "at"; "sp"; "cc"; "vid"; "rkd"; "pkt"; "nst"; "crd"; "dkd" ]

/// Teacher, student, the student's learning rate, DKD's beta, ReviewKD's weight, and the published top-1 errors of `methods`.
let pairs =
    [ "wrn40-2", "wrn16-2", 0.05, 6.0, 5.0, [ 24.39; 26.74; 25.08; 26.42; 25.92; 26.17; 26.44; 25.89; 26.65; 25.46; 26.32; 24.52; 23.77 ]
      "wrn40-2", "wrn40-1", 0.05, 6.0, 5.0, [ 24.39; 28.02; 26.46; 27.76; 27.23; 27.57; 27.79; 26.70; 27.78; 26.55; 27.76; 25.86; 25.19 ]
      "resnet56", "resnet20", 0.05, 2.0, 0.6, [ 27.66; 30.94; 29.34; 30.79; 29.45; 30.33; 30.37; 29.62; 30.39; 29.66; 30.40; 28.84; 28.03 ]
      "resnet110", "resnet20", 0.05, 8.0, 1.0, [ 25.69; 30.94; 29.33; 31.01; 29.78; 29.96; 30.52; 29.84; 30.75; 29.75; 30.47; 28.54 ]
      "resnet110", "resnet32", 0.05, 2.0, 1.0, [ 25.69; 28.86; 26.92; 28.94; 27.69; 27.31; 28.52; 27.39; 28.18; 27.39; 28.04; 26.52; 25.89 ]
      "resnet32x4", "resnet8x4", 0.05, 8.0, 5.0, [ 20.58; 27.50; 26.67; 26.50; 26.56; 27.06; 27.03; 26.91; 28.10; 26.36; 26.70; 24.49; 23.68 ]
      "vgg13", "vgg8", 0.05, 6.0, 1.0, [ 25.36; 29.64; 27.02; 28.98; 28.57; 27.32; 29.29; 28.77; 28.52; 27.12; 28.47; 26.06; 25.32 ]
      "vgg13", "mobilenetv2", 0.01, 6.0, 1.0, [ 25.36; 35.40; 32.63; 35.86; 40.60; 33.70; 35.14; 34.44; 35.48; 32.87; 41.84; 30.27; 30.29 ]
      "resnet50", "mobilenetv2", 0.01, 8.0, 1.0, [ 20.66; 35.40; 32.65; 36.84; 41.42; 31.92; 34.57; 32.43; 35.57; 33.48; 35.04; 30.89; 29.65 ]
      "resnet50", "vgg8", 0.05, 8.0, 1.0, [ 20.66; 29.64; 26.19; 29.31; 28.16; 26.66; 29.75; 29.70; 28.50; 26.99; 28.72; 25.70 ]
      "resnet32x4", "shufflenetv1", 0.01, 8.0, 5.0, [ 20.58; 29.50; 25.93; 26.41; 28.27; 26.52; 28.86; 26.62; 27.72; 25.90; 25.88; 24.89; 23.55 ]
      "resnet32x4", "shufflenetv2", 0.01, 8.0, 8.0, [ 20.58; 28.18; 25.55; 26.46; 27.27; 25.44; 28.71; 26.60; 26.79; 25.31; 25.32; 24.35 ]
      "wrn40-2", "shufflenetv1", 0.01, 8.0, 5.0, [ 24.39; 29.50; 25.17; 26.27; 26.68; 25.48; 28.62; 26.39; 27.79; 26.11; 25.11; 23.95; 23.30 ] ]

/// For the same pairs: gamma of TTM and WTTM, their weights, and the published errors of methods without numbers for all pairs.
let later =
    [ 0.1, 101.0, 4.0, [ "ttm", 23.77; "wttm", 23.63; "rld", 23.94; "kd+ls", 23.89; "dkd+ls", 23.61; "ctkd", 24.55 ]
      0.1, 76.0, 3.0, [ "dist", 25.57; "ttm", 25.68; "wttm", 25.42; "rld", 25.12; "kd+ls", 25.63; "dkd+ls", 25.11; "ctkd", 26.07 ]
      0.3, 7.0, 1.5, [ "dist", 28.25; "ttm", 28.17; "wttm", 28.08; "rld", 28.00; "kd+ls", 28.57; "dkd+ls", 27.68; "ctkd", 28.81 ]
      0.2, 8.0, 2.0, [ "ttm", 28.54; "wttm", 28.33; "rld", 28.33; "kd+ls", 28.52; "dkd+ls", 28.15; "ctkd", 29.01 ]
      0.1, 33.0, 1.5, [ "ttm", 26.03; "wttm", 25.87; "rld", 25.98; "kd+ls", 25.83; "dkd+ls", 25.71; "ctkd", 26.48 ]
      0.1, 100.0, 3.0, [ "dist", 23.69; "ttm", 23.83; "wttm", 23.94; "rld", 23.36; "kd+ls", 23.38; "dkd+ls", 22.99; "ctkd", 26.61; "wkd", 23.47 ]
      0.1, 45.0, 2.25, [ "ttm", 25.67; "wttm", 25.56; "rld", 25.07; "kd+ls", 25.64; "dkd+ls", 25.19; "ctkd", 26.48 ]
      0.2, 16.0, 3.0, [ "ttm", 31.02; "wttm", 30.84; "kd+ls", 31.39; "sd-kd", 31.21; "sd-dkd", 29.75 ]
      0.2, 20.0, 5.0, [ "dist", 31.34; "ttm", 30.76; "wttm", 30.41; "kd+ls", 30.98; "sd-kd", 30.45; "sd-dkd", 28.64 ]
      0.1, 70.0, 2.0, [ "ttm", 25.13; "wttm", 25.18 ]
      0.2, 12.0, 1.4, [ "dist", 23.66; "ttm", 25.82; "wttm", 25.63; "sd-kd", 23.70; "sd-dkd", 22.70 ]
      0.4, 40.0, 16.0, [ "dist", 22.65; "ttm", 23.43; "wttm", 23.45; "kd+ls", 24.44; "sd-kd", 23.33; "sd-dkd", 21.95 ]
      0.3, 8.0, 3.0, [ "ttm", 24.61; "wttm", 24.58; "sd-kd", 23.35; "sd-dkd", 22.79; "wkd", 23.28 ] ]

/// For the same pairs: temperature and weight of KD+LS; temperature, weight and beta of DKD+LS.
let standardized =
    [ (2.0, 9.0), (2.0, 12.0, 2.0)
      (2.0, 9.0), (2.0, 12.0, 2.0)
      (2.0, 9.0), (3.0, 18.0, 2.0)
      (4.0, 12.0), (2.0, 15.0, 2.0)
      (2.0, 9.0), (2.0, 15.0, 2.0)
      (2.0, 9.0), (2.0, 9.0, 8.0)
      (3.0, 9.0), (2.0, 15.0, 2.0)
      (3.0, 9.0), (3.0, 9.0, 2.0)
      (3.0, 1.0), (2.0, 15.0, 2.0)
      (2.0, 9.0), (2.0, 9.0, 8.0)
      (2.0, 9.0), (2.0, 9.0, 8.0)
      (2.0, 9.0), (2.0, 9.0, 8.0)
      (2.0, 9.0), (2.0, 9.0, 8.0) ]

/// A number for the seven pairs of the same architecture, and one for the others.
let by_kind same other = numbers (List.replicate 7 same @ List.replicate 6 other)

/// A number for the pairs before the last, and one for the last.
let before_last most last = numbers (List.replicate 12 most @ [ last ])

experiment "crd-benchmark" {
    description "The CRD benchmark on CIFAR-100, thirteen pairs of networks"
    dataset ("cifar100", [ augment 4 PaddingMode.Zero true; normalize "crd" ])
    teacher (train ("wrn40-2", []))
    student "wrn16-2"

    train [
        epochs 240
        batch 64
        sgd 0.05 [ momentum 0.9; weight_decay 5e-4 ]
        step [ 150; 180; 210 ] 0.1
    ]

    losses [
        ce |> weight 1
        kd |> temperature 4
        fitnets |> weight 100
        at |> weight 1000
        sp |> weight 3000
        cc |> weight 0.02
        vid |> weight 1
        rkd |> weight 1
        pkt |> weight 30000
        nst |> weight 50
        crd |> weight 0.8
        dkd |> parameter "alpha" 1 |> parameter "beta" 8 |> temperature 4
        dist |> weight 2 |> temperature 4
        reviewkd |> weight 1
        ttm |> parameter "gamma" 0.1
        wttm |> parameter "gamma" 0.1
        rld |> parameter "alpha" 1 |> parameter "beta" 8 |> temperature 4 |> parameter "confidence_temperature" 1
        sd_kd |> weight 0.9 |> temperature 4
        sd_dkd |> parameter "alpha" 1 |> temperature 4
        wkd |> parameter "sharpness" 1 |> parameter "constant_share" 0.625
    ]

    variant "student" [ ce ]
    variant "kd" [ ce |> weight 0.1; kd |> weight 0.9 ]
    variant "fitnets" [ ce; fitnets ]
    variant "at" [ ce; at ]
    variant "sp" [ ce; sp ]
    variant "cc" [ ce; cc ]
    variant "vid" [ ce; vid ]
    variant "rkd" [ ce; rkd ]
    variant "pkt" [ ce; pkt ]
    variant "nst" [ ce; nst ]
    variant "crd" [ ce; crd ]
    variant "dkd" [ ce; dkd ]
    variant "dist" [ ce; dist ]
    variant "reviewkd" [ ce; reviewkd ]
    variant "ttm" [ ce; ttm ]
    variant "wttm" [ ce; wttm ]
    variant "rld" [ ce; rld ]
    variant "kd+ls" [ ce |> weight 0.1; kd |> parameter ("standardize", true) ]
    variant "dkd+ls" [ ce; dkd |> parameter ("standardize", true) ]
    variant "ctkd" [ ce |> weight 0.1; kd |> weight 0.9 |> parameter ("train_temperature", true) ]
    variant "sd-kd" [ ce |> weight 0.1; sd_kd ]
    variant "sd-dkd" [ ce; sd_dkd ]
    variant "wkd" [ ce; wkd ]
    seeds [ 0; 1; 2 ]

    zip [
        axis "teacher.model" (words [ for teacher, _, _, _, _, _ in pairs -> teacher ])
        axis "student.model" (words [ for _, student, _, _, _, _ in pairs -> student ])
        axis "train.optimizer.sgd.lr" (numbers [ for _, _, lr, _, _, _ in pairs -> lr ])
        axis "losses.dkd.beta" (numbers [ for _, _, _, beta, _, _ in pairs -> beta ])
        axis "losses.reviewkd.weight" (numbers [ for _, _, _, _, weight, _ in pairs -> weight ])
        axis "losses.ttm.gamma" (numbers [ for gamma, _, _, _ in later -> gamma ])
        axis "losses.ttm.weight" (numbers [ for _, weight, _, _ in later -> weight ])
        axis "losses.wttm.gamma" (numbers [ for gamma, _, _, _ in later -> gamma ])
        axis "losses.wttm.weight" (numbers [ for _, _, weight, _ in later -> weight ])
        axis "variants.kd+ls.kd.temperature" (numbers [ for (temperature, _), _ in standardized -> temperature ])
        axis "variants.kd+ls.kd.weight" (numbers [ for (_, weight), _ in standardized -> weight ])
        axis "variants.dkd+ls.dkd.temperature" (numbers [ for _, (temperature, _, _) in standardized -> temperature ])
        axis "variants.dkd+ls.dkd.weight" (numbers [ for _, (_, weight, _) in standardized -> weight ])
        axis "variants.dkd+ls.dkd.beta" (numbers [ for _, (_, _, beta) in standardized -> beta ])
        axis "losses.sd-kd.scales" (by_kind 2 3)
        axis "losses.sd-dkd.scales" (by_kind 2 3)
        axis "losses.sd-dkd.beta" (numbers [ for _, _, _, beta, _, _ in pairs -> beta ])
        axis "losses.wkd.gamma" (before_last 600 200)
        axis "losses.wkd.temperature" (before_last 8 6)
    ]

    exclude
        [ "wkd" ]
        [ ("student.model", any_of (words [ "wrn16-2"; "wrn40-1"; "resnet20"; "resnet32"; "vgg8"; "mobilenetv2"; "shufflenetv2" ])) ]

    exclude [ "wkd" ] [ "teacher.model", word "resnet32x4"; "student.model", word "shufflenetv1" ]

    published "arXiv 1910.10699, tables of pairs of the same and of different architectures on CIFAR-100" [
        numbers_of "dkd" "arXiv 2203.08679, README of its code, mdistiller" "best epoch, number of runs not stated"
        numbers_of "ttm" "arXiv 2402.11148" "mean of 5 runs (3 for pairs of different architectures), best or last epoch not stated"
        numbers_of "wttm" "arXiv 2402.11148" "mean of 5 runs (3 for pairs of different architectures), best or last epoch not stated"
        numbers_of "rld" "arXiv 2408.07703, from a summary of it" "best epoch, mean of 3 runs"
        numbers_of "kd+ls" "arXiv 2403.01427" "best epoch, mean of 4 runs"
        numbers_of "dkd+ls" "arXiv 2403.01427" "best epoch, mean of 4 runs"
        numbers_of "ctkd" "arXiv 2211.16231" "best epoch, number of runs not stated"
        numbers_of "sd-kd" "arXiv 2403.13512" "best epoch, number of runs not stated"
        numbers_of "sd-dkd" "arXiv 2403.13512" "best epoch, number of runs not stated"
        numbers_of "wkd" "arXiv 2412.08139, README of its code, WKD" "best epoch, number of runs not stated, mixed precision"
        numbers_of "dist" "arXiv 2205.10536, README of its code, DIST_KD" "mean of several runs, epoch and number of runs not stated"
    ]

    published_protocol "last epoch, mean of 5 runs (3 for pairs of different architectures)"

    for (teacher, student, _, _, _, errors), (_, _, _, others) in List.zip pairs later do
        published_at [ "teacher.model", word teacher; "student.model", word student ] [
            for name, error in List.zip (List.truncate errors.Length methods) errors @ others -> top1_error name error
        ]
}
|> emit
