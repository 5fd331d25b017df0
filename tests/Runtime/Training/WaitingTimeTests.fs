module ChannelDistillation.Tests.Runtime.Training.WaitingTimeTests

open System
open Expecto
open ChannelDistillation.Training

let private remark (epochs: (float * float) list) =
    let waiting = WaitingTime()

    for trained, waited in epochs do
        waiting.Add(TimeSpan.FromSeconds trained, TimeSpan.FromSeconds waited)

    Option.ofObj waiting.Remark

[<Tests>]
let tests =
    testList
        "waiting for images"
        [ test "A wait of more than 2 % of a sufficiently long training is reported" {
              Expect.equal
                  (remark [ 20.0, 1.0; 20.0, 4.2 ])
                  (Some "Training spent 13 % of its time waiting for images. A packed copy of the image folder is faster: docs/data.md#packed-copies.")
                  "slow"

              Expect.isNone (remark [ 20.0, 0.4 ]) "2 %"
              Expect.isNone (remark [ 9.0, 4.0 ]) "short"
              Expect.isNone (remark []) "nothing was trained"
          } ]
