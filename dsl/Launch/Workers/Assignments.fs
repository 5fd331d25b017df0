namespace ChannelDistillation.Dsl.Launch

open System.Collections.Generic
open System.Threading

/// What a worker is given to do.
type Assignment =
    /// To train a teacher, or to evaluate it.
    | BringTeacher of Teachers.PlannedTeacher
    /// To train these runs together, and to wait for those that another sweep has or not.
    | TrainRuns of runs: Job list * patient: bool

/// The queue of a sweep that several workers take from; each calls from a thread of its own. A run is given to one worker at a time, and again
/// only where a worker died with it or another sweep had it. Runs that need no teacher do not wait for one.
/// <param name="lanes">Most runs in an assignment.</param>
/// <param name="unready">The teachers that have to be trained or evaluated first.</param>
/// <param name="isUntrained">Whether runs have to wait for such a teacher.</param>
[<Sealed>]
type Assignments(workers: int, lanes: int, runs: Job list, unready: Teachers.PlannedTeacher list, isUntrained: Teachers.PlannedTeacher -> bool) =
    // A cohort that brought two workers down would bring down the others as well.
    let mostDeaths = 2
    let gate = obj ()
    let teacherOf (job: Job) = Teachers.ofRun job.Run |> Option.map _.Key |> Option.defaultValue ""
    let untrained = HashSet [ for teacher in unready |> List.filter isUntrained -> teacher.Key ]
    let waiting, ready = runs |> List.partition (teacherOf >> untrained.Contains)
    let mutable waiting = waiting
    let mutable teachers = unready
    // Whole cohorts; and those that come first and are not divided any further.
    let mutable cohorts = Job.cohorts lanes ready
    let mutable shares: Job list list = []
    let mutable busy: Job list list = []
    let mutable working = 0
    let mutable alive = workers
    let mutable closed = false
    let deaths = Dictionary<string, int>()

    let died key =
        deaths[key] <- (if deaths.ContainsKey key then deaths[key] else 0) + 1
        deaths[key] < mostDeaths

    /// So many more cohorts can be expected: each teacher in training brings one.
    let coming () = waiting |> List.map teacherOf |> List.distinct |> List.length

    let divide () =
        if shares.IsEmpty && cohorts.Length + coming () < alive then
            shares <- Division.into (alive - coming ()) cohorts
            cohorts <- []

    let tryTake () =
        match teachers with
        | teacher :: others ->
            teachers <- others
            Some(BringTeacher teacher)
        | [] ->
            divide ()

            match shares, cohorts, busy with
            | share :: others, _, _ ->
                shares <- others
                Some(TrainRuns(share, false))
            | [], cohort :: others, _ ->
                cohorts <- others
                Some(TrainRuns(cohort, false))
            | [], [], cohort :: others ->
                busy <- others
                Some(TrainRuns(cohort, true))
            | [], [], [] -> None

    /// Waits while there is nothing to do, but may come to be.
    let rec take () =
        if closed then
            None
        else
            match tryTake () with
            | Some assignment ->
                working <- working + 1
                Some assignment
            | None when working > 0 ->
                Monitor.Wait gate |> ignore
                take ()
            | None -> None

    let change (work: unit -> 'result) =
        lock gate (fun () ->
            let result = work ()
            Monitor.PulseAll gate
            result)

    /// The next to do; None: nothing is left, and nothing will be.
    member _.Take() : Assignment option = lock gate take

    /// A teacher is there, or is not to be had: then the runs that learn from it are left out.
    member _.TeacherEnded(teacher: Teachers.PlannedTeacher, isThere: bool) =
        change (fun () ->
            working <- working - 1
            let learning, others = waiting |> List.partition (fun job -> teacherOf job = teacher.Key)
            waiting <- others

            if isThere then
                cohorts <- cohorts @ Job.cohorts lanes learning)

    /// Runs are through, but for those that another sweep had.
    member _.RunsEnded(inOtherHands: Job list) =
        change (fun () ->
            working <- working - 1

            if not inOtherHands.IsEmpty then
                busy <- busy @ [ inOtherHands ])

    /// A worker is gone that had this to do; others do it. Gives what no other is asked to do any more.
    /// <param name="unfinished">Those of some runs that are not trained.</param>
    member _.WorkerDied(assignment: Assignment, unfinished: Job list -> Job list) : Job list =
        change (fun () ->
            working <- working - 1
            alive <- alive - 1

            match assignment with
            | BringTeacher teacher when died teacher.Key ->
                teachers <- teacher :: teachers
                []
            | BringTeacher teacher ->
                let learning, others = waiting |> List.partition (fun job -> teacherOf job = teacher.Key)
                waiting <- others
                learning
            | TrainRuns(runs, _) ->
                let again, never = unfinished runs |> List.partition (fun job -> died job.Folder)

                if not again.IsEmpty then
                    shares <- again :: shares

                never)

    /// How many workers there still are.
    member _.Workers = lock gate (fun () -> alive)

    /// Nothing is given any more.
    member _.Close() = change (fun () -> closed <- true)
