module ChannelDistillation.Tests.Launch.PrecisionsTests

open Expecto
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Models
open ChannelDistillation.Schedules
open ChannelDistillation.Specs

let private train precision =
    TrainSpec(Epochs = 1, Batch = 16, Optimizer = SgdSpec 0.1, LearningRateSchedule = LearningRateSchedule.Constant(), Precision = precision)

let private run precision teacherPrecision =
    RunSpec(
        Dataset = DatasetSpec(Name = "cifar10"),
        Teacher = TeacherSpec(Model = ModelSpec "resnet14", Train = train teacherPrecision),
        Student = ModelSpec "resnet8",
        Train = train precision,
        Losses = [| LossSpec.CrossEntropy |],
        Seed = 0L
    )

let private isSlow answer = lazy answer
let private unasked: Lazy<bool> = lazy (failtest "the processor was asked though nobody wants bfloat16")

[<Tests>]
let tests =
    testList
        "plan: precision"
        [ test "a processor that has no instructions for bfloat16 is said, of students and of teachers that are trained" {
              let expected =
                  "Warning: `precision: bfloat16` does not pay on this processor, which has no instructions for it (AVX-512 BF16 or AMX): float32 is faster and more exact."

              for run in [ run Precision.BFloat16 Precision.Float32; run Precision.Float32 Precision.BFloat16 ] do
                  Expect.equal (Precisions.warning (isSlow true) [ run ]) (Some expected) "slow"
                  Expect.isNone (Precisions.warning (isSlow false) [ run ]) "fast"

              Expect.isNone (Precisions.warning unasked [ run Precision.Float32 Precision.Float32 ]) "float32"
          } ]
