module ChannelDistillation.Tests.Lab.Runs.RunStateTests

open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs

let private ended status = Some(RunResult(status, null, null))

/// What is in the folder, the state that follows, and whether a sweep trains it: as it is, and with --retry-failed.
let private cases =
    [ "a run without a folder is new", false, None, New, (true, true)
      "a run whose process was killed goes on", true, None, Resumes, (true, true)
      "an interrupted run goes on", true, ended RunStatus.Interrupted, Resumes, (true, true)
      "a completed run is kept", true, ended RunStatus.Completed, Done, (false, false)
      "a diverged run is tried again only on request", true, ended RunStatus.Diverged, GaveUp RunStatus.Diverged, (false, true)
      "a failed run is tried again only on request", true, ended RunStatus.Failed, GaveUp RunStatus.Failed, (false, true) ]

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
