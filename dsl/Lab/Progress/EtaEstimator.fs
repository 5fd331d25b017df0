namespace ChannelDistillation.Lab.Progress

open System
open ChannelDistillation.Training

/// Estimates the time left from the steps and validations of this process. They are timed separately, because a run that resumes near the end of
/// an epoch does a few steps and then a whole validation.
/// <param name="cohorts">Number of cohorts; 0: unknown.</param>
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
    // In this cohort: time of steps, time of validations, and the start of the current one.
    let mutable stepping = TimeSpan.Zero
    let mutable validating = TimeSpan.Zero
    let mutable validations = 0
    let mutable isValidating = false
    let mutable since = time.GetTimestamp()
    // Time of the earlier cohorts of this process.
    let mutable earlier = TimeSpan.Zero

    new(cohorts) = EtaEstimator(cohorts, TimeProvider.System)

    /// Number of the current cohort, from 1; 0 while the teacher trains.
    member _.Cohort = cohort
    member _.Cohorts = cohorts
    member _.Lanes = lanes
    /// `cohort 1 of 3`, or `teacher`.
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

    /// Steps of an epoch, or a validation, are complete.
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

    /// The steps of an epoch are complete, and its validation starts.
    member this.Validate(epochNow) =
        this.Advance(epochNow, stepsPerEpoch)
        isValidating <- true

    /// Completed steps, and all steps, of this process in this cohort.
    member private _.Steps =
        let finished = (epoch - startEpoch) * stepsPerEpoch + step - startStep
        float finished, float ((epochs - startEpoch + 1) * stepsPerEpoch - startStep)

    /// Completed share of the cohort, 0 to 1, including epochs of earlier processes.
    member _.Fraction = float ((epoch - 1) * stepsPerEpoch + step) / float (max 1 (epochs * stepsPerEpoch))

    /// Completed share of the sweep, 0 to 1, if all cohorts take equally long; 0 while the teacher trains.
    member this.SweepFraction =
        if cohort = 0 then
            0.0
        else
            (float (cohort - 1) + this.Fraction) / float (max cohort cohorts)

    /// Time left for this cohort; None until a few steps are timed.
    member this.CohortLeft =
        let finished, whole = this.Steps

        if finished < 3.0 then
            None
        else
            let validationsLeft = epochs - startEpoch + 1 - validations
            let ofEach = if validations = 0 then TimeSpan.Zero else validating / float validations
            Some(stepping * ((whole - finished) / finished) + ofEach * float (max 0 validationsLeft))

    /// Time left for the sweep, if later cohorts take as long as the earlier ones.
    member this.SweepLeft =
        match this.CohortLeft with
        | None -> None
        | Some _ when cohort = 0 -> None
        | Some left ->
            let thisCohort = time.GetElapsedTime started + left
            let perCohort = (earlier + thisCohort) / float cohort
            Some(left + perCohort * float (max 0 (cohorts - cohort)))
