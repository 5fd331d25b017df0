module ChannelDistillation.Tests.Lab.Runs.RunStateTests

open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs

let private ended status = Some(RunResult(status, null, null))

/// The content of a folder, the resulting state, and whether a sweep trains the run without and with --retry-failed.
let private cases =
    [ "A run without a folder is new", false, None, New, (true, true)
      "A run whose process was killed resumes", true, None, Resumes, (true, true)
      "An interrupted run resumes", true, ended RunStatus.Interrupted, Resumes, (true, true)
      "A completed run is kept", true, ended RunStatus.Completed, Done, (false, false)
      "A diverged run is retried only on request", true, ended RunStatus.Diverged, GaveUp RunStatus.Diverged, (false, true)
      "A failed run is retried only on request", true, ended RunStatus.Failed, GaveUp RunStatus.Failed, (false, true) ]

[<Tests>]
let tests =
    testList
        "run states"
        [ for name, started, result, state, (plain, retried) in cases do
              test name {
                  Expect.equal (RunState.decide started result) state "state"
                  Expect.equal (RunState.needsTraining false state) plain "without --retry-failed"
                  Expect.equal (RunState.needsTraining true state) retried "with --retry-failed"
              } ]
