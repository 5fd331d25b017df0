// python-modules.yaml in F#.
//
//   dotnet fsi build.fsx sweep experiments/python-modules.fsx
#load "dsl.fsx"

open ChannelDistillation.Dsl.Builders

experiment "python-modules" {
    description "A PyTorch teacher, student and losses beside the built-in ones, on a part of Fashion-MNIST"
    dataset "fashion-mnist-mini"
    teacher (torchscript "python/teacher.pt")
    student (torchscript "python/student-{seed}.pt")

    train [
        epochs 1
        batch 64
        sgd 0.05 [ momentum 0.9; weight_decay 5e-4 ]
        cosine
    ]

    losses [
        ce |> weight 1
        kd |> weight 1 |> temperature 4
        torchscript ("soft-labels", "python/soft_labels.pt") |> weight 1 |> temperature 4
        torchscript ("hint", "python/hint.pt") |> weight 1
    ]

    variant "student" [ ce ]
    variant "kd" [ ce; kd ]
    variant "soft-labels" [ ce; loss "soft-labels" ]
    variant "hint" [ ce; loss "soft-labels"; loss "hint" ]

    seeds [ 0 ]
}
|> emit
