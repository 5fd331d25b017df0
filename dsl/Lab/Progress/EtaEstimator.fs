namespace ChannelDistillation.Lab.Progress

open System
open ChannelDistillation.Training

/// What is still to be trained and how fast it has gone so far. Steps and validations are measured apart: where a run goes on near an epoch's end,
/// a few steps are followed by a whole validation.
/// <param name="cohorts">How many there are; 0: nobody knows.</param>
[<Sealed>]
type EtaEstimator(cohorts: int, time: TimeProvider) =
    let mutable started = time.GetTimestamp()
    let mutable cohort = 0
    let mutable lanes = 0
    let mutable name = ""
    let mutable epochs = 0
    let mutable startEpoch = 1
    let mutable startStep = 0
    let mutable stepsPerEpoch = 1
    let mutable epoch = 1
    let mutable step = 0
    // In this cohort: what steps took, what validations took, and since when what is going on is going on.
    let mutable stepping = TimeSpan.Zero
    let mutable validating = TimeSpan.Zero
    let mutable validations = 0
    let mutable isValidating = false
    let mutable since = time.GetTimestamp()
    // Of the cohorts before this one: what was done in this process, and how long it took.
    let mutable earlier = TimeSpan.Zero

    new(cohorts) = EtaEstimator(cohorts, TimeProvider.System)

    /// Which cohort is being trained, from 1; 0 while it is the teacher.
    member _.Cohort = cohort
    member _.Cohorts = cohorts
    member _.Lanes = lanes
    /// What is being trained: `cohort 1 of 3`, or the teacher.
    member _.Name = name
    member _.Epoch = epoch
    member _.Epochs = epochs
    member _.Step = step
    member _.StepsPerEpoch = stepsPerEpoch

    member _.Start(begun: TrainingEvent.CohortStarted) =
        let teacher = begun.IsTeacher

        if cohort > 0 then
            earlier <- earlier + time.GetElapsedTime started

        if not teacher then
            cohort <- cohort + 1

        name <-
            if teacher then "teacher"
            elif cohorts = 0 then "cohort"
            else $"cohort {cohort} of {max cohort cohorts}"

        lanes <- begun.Lanes.Count
        startEpoch <- begun.StartEpoch
        startStep <- begun.StartStep
        epoch <- startEpoch
        epochs <- begun.Epochs
        stepsPerEpoch <- max 1 begun.StepsPerEpoch
        step <- startStep
        stepping <- TimeSpan.Zero
        validating <- TimeSpan.Zero
        validations <- 0
        isValidating <- false
        since <- time.GetTimestamp()
        started <- since

    /// So many steps are done; a validation is over.
    member _.Advance(epochNow, stepNow) =
        let now = time.GetTimestamp()
        let took = time.GetElapsedTime(since, now)

        if isValidating then
            validating <- validating + took
            validations <- validations + 1
        else
            stepping <- stepping + took

        since <- now
        isValidating <- false
        epoch <- epochNow
        step <- stepNow

    /// The steps of an epoch are done.
    member this.Validate(epochNow) =
        this.Advance(epochNow, stepsPerEpoch)
        isValidating <- true

    /// Done and to do in this cohort, in steps of this process.
    member private _.Steps =
        let finished = (epoch - startEpoch) * stepsPerEpoch + step - startStep
        float finished, float ((epochs - startEpoch + 1) * stepsPerEpoch - startStep)

    /// Of the cohort, 0 to 1, epochs of earlier processes included.
    member _.Fraction = float ((epoch - 1) * stepsPerEpoch + step) / float (max 1 (epochs * stepsPerEpoch))

    /// Of the sweep, 0 to 1, cohorts taken to be alike; 0 while it is the teacher.
    member this.SweepFraction =
        if cohort = 0 then
            0.0
        else
            (float (cohort - 1) + this.Fraction) / float (max cohort cohorts)

    /// For this cohort; none until a few steps are measured.
    member this.CohortLeft =
        let finished, whole = this.Steps

        if finished < 3.0 then
            None
        else
            let validationsLeft = epochs - startEpoch + 1 - validations
            let ofEach = if validations = 0 then TimeSpan.Zero else validating / float validations
            Some(stepping * ((whole - finished) / finished) + ofEach * float (max 0 validationsLeft))

    /// For the whole sweep, cohorts still to come taken to be like those so far.
    member this.SweepLeft =
        match this.CohortLeft with
        | None -> None
        | Some _ when cohort = 0 -> None
        | Some left ->
            let thisCohort = time.GetElapsedTime started + left
            let perCohort = (earlier + thisCohort) / float cohort
            Some(left + perCohort * float (max 0 (cohorts - cohort)))
