namespace ChannelDistillation.Lab.Workers

open System.Collections.Generic
open System.Threading
open ChannelDistillation.Lab.Runs

/// The queue of assignments of a sweep. Thread-safe: each worker takes from it in its own thread. A run is assigned to one worker at a time, and
/// again only if a process ended with it or another sweep had claimed it. Several workers start with the teachers and with runs that need none;
/// a single worker trains each teacher just before the first cohort that needs it.
/// <param name="lanes">Maximum number of runs in an assignment.</param>
/// <param name="unready">The teachers that need training or evaluation first.</param>
/// <param name="isUntrained">Whether runs must wait for such a teacher.</param>
/// <param name="countsCosts">Whether to count the costs of networks, after the first assignment has ended.</param>
[<Sealed>]
type Assignments
    (
        workers: int,
        lanes: int,
        runs: Job list,
        unready: Teachers.PlannedTeacher list,
        isUntrained: Teachers.PlannedTeacher -> bool,
        countsCosts: bool,
        standings: ProgressLookup
    ) =
    // A cohort with which two workers lost their device would cost the other workers theirs.
    let mostLosses = 2
    let gate = obj ()
    let teacherOf (job: Job) = Teachers.ofRun job.Run |> Option.map _.Key |> Option.defaultValue ""
    let untrained = HashSet [ for teacher in unready |> List.filter isUntrained -> teacher.Key ]
    let waitsFor (key: string) (runs: Job list) = runs |> List.exists (fun job -> teacherOf job = key)
    let waits (runs: Job list) = runs |> List.exists (teacherOf >> untrained.Contains)

    let suspectTeachers = HashSet [ for teacher in unready |> List.filter standings.IsSuspectTeacher -> teacher.Key ]
    let suspects, others = runs |> List.partition standings.IsSuspectRun

    /// Whole cohorts, in the order of the plan. With several workers, runs that need no untrained teacher are separated from those that wait for one.
    let whole =
        if workers = 1 then
            Job.cohorts lanes others
        else
            let waiting, ready = others |> List.partition (teacherOf >> untrained.Contains)
            Job.cohorts lanes ready @ (waiting |> List.groupBy teacherOf |> List.collect (snd >> Job.cohorts lanes))

    let firsts (groups: Job list list) = groups |> List.map (fun runs -> { Runs = runs; Attempt = Retry.first })
    let doubtful, sound = whole |> List.partition (List.exists (teacherOf >> suspectTeachers.Contains))
    let mutable cohorts = firsts sound
    // `shares` come first and are not divided further. `last` come last, because they may crash the process.
    let mutable shares: Group list = []
    let mutable last: Group list = firsts (doubtful @ List.map List.singleton suspects)
    let mutable teachers = unready |> List.map (fun teacher -> teacher, Retry.first)
    let mutable busy: Job list list = []
    let mutable working = 0
    let mutable alive = workers
    let mutable closed = false
    let mutable hasEnded = false
    let mutable countsCosts = countsCosts
    let losses = Dictionary<string, int>()
    let places = Dictionary<string, struct (int * int) option>()

    let wasLost key =
        losses[key] <- (if losses.ContainsKey key then losses[key] else 0) + 1
        losses[key] < mostLosses

    let hasProgressed key (now: struct (int * int) option) =
        match places.TryGetValue key with
        | true, before -> now > before
        | _ -> false

    let note (assignment: Assignment) =
        match assignment with
        | CountCosts -> ()
        | PrepareTeacher(teacher, _) -> places[teacher.Key] <- standings.ProgressOfTeacher teacher
        | TrainRuns(group, _) ->
            for job in group.Runs do
                places[job.Folder] <- standings.ProgressOfRun job

        assignment

    /// The number of cohorts that will become ready: one for each untrained teacher.
    let coming () =
        cohorts |> List.collect _.Runs |> List.map teacherOf |> List.filter untrained.Contains |> List.distinct |> List.length

    let divide () =
        let waiting, ready = cohorts |> List.partition (fun group -> waits group.Runs)

        if shares.IsEmpty && ready.Length + coming () < alive then
            shares <- ready |> List.map _.Runs |> CohortSplitter.into (alive - coming ()) |> firsts
            cohorts <- waiting

    let takeTeacher (isWanted: Teachers.PlannedTeacher * Attempt -> bool) =
        match teachers |> List.tryFindIndex isWanted with
        | Some index ->
            let teacher = teachers[index]
            teachers <- List.removeAt index teachers
            Some(PrepareTeacher teacher)
        | None -> None

    /// A teacher that is neither a retry nor suspect; with a single worker, only one that no run waits for.
    let takeEarlyTeacher () =
        takeTeacher (fun (teacher, attempt) ->
            not (attempt.IsRetry || suspectTeachers.Contains teacher.Key) && (alive > 1 || not (untrained.Contains teacher.Key)))

    /// The first group that can start. A single worker first trains the teacher of the first group; with several workers, groups that can start go first.
    let takeGroup (groups: Group list) (keep: Group list -> unit) =
        let teacher =
            match groups with
            | group :: _ when alive = 1 -> takeTeacher (fun (teacher, _) -> waits group.Runs && waitsFor teacher.Key group.Runs)
            | _ -> None

        teacher
        |> Option.orElseWith (fun () ->
            groups
            |> List.tryFindIndex (fun group -> not (waits group.Runs))
            |> Option.map (fun index ->
                keep (List.removeAt index groups)
                TrainRuns(groups[index], false)))

    let takeCohort () =
        divide ()

        match shares with
        | share :: others ->
            shares <- others
            Some(TrainRuns(share, false))
        | [] -> takeGroup cohorts (fun others -> cohorts <- others)

    let takeBusy () =
        match busy with
        | runs :: others ->
            busy <- others
            Some(TrainRuns({ Runs = runs; Attempt = Retry.first }, true))
        | [] -> None

    let takeCosts () =
        if countsCosts && hasEnded then
            countsCosts <- false
            Some CountCosts
        else
            None

    let tryTake () =
        takeCosts ()
        |> Option.orElseWith takeEarlyTeacher
        |> Option.orElseWith takeCohort
        |> Option.orElseWith (fun () -> takeGroup last (fun others -> last <- others))
        |> Option.orElseWith (fun () -> takeTeacher (fun _ -> true))
        |> Option.orElseWith takeBusy
        |> Option.map note

    /// Waits while nothing can start yet but assignments in progress may change that.
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

    let ended (work: unit -> unit) =
        change (fun () ->
            working <- working - 1
            hasEnded <- true
            work ())

    /// Removes the runs of a teacher that is unavailable, and returns them.
    let drop (teacher: Teachers.PlannedTeacher) =
        let learns (job: Job) = untrained.Contains teacher.Key && teacherOf job = teacher.Key
        let learning = cohorts @ last |> List.collect _.Runs |> List.filter learns

        let rest (groups: Group list) =
            groups
            |> List.map (fun group -> { group with Runs = group.Runs |> List.filter (not << learns) })
            |> List.filter (fun group -> not group.Runs.IsEmpty)

        cohorts <- rest cohorts
        last <- rest last
        untrained.Remove teacher.Key |> ignore
        learning

    let retryTeacher (teacher: Teachers.PlannedTeacher) (attempt: Attempt) =
        teachers <- teachers @ [ teacher, attempt ]
        // The runs of the teacher come last, so that a single worker trains the other runs first.
        let learning, others =
            cohorts |> List.partition (fun group -> untrained.Contains teacher.Key && waitsFor teacher.Key group.Runs)

        cohorts <- others
        last <- last @ learning

    let retryRuns (how: ProcessExit) (group: Group) =
        match group.Runs |> List.map (fun job -> job, standings.ProgressOfRun job) |> List.filter (snd >> Option.isSome) with
        | [] -> NothingLeft
        | [ job, place ] ->
            match Retry.ofOne how (hasProgressed job.Folder place) group.Attempt with
            | Some attempt ->
                let again = [ { Runs = [ job ]; Attempt = attempt } ]
                last <- last @ again
                RunsRetried again
            | None -> RunGivenUp job
        | several ->
            let again =
                Retry.ofSeveral how (List.map fst several)
                |> List.map (fun runs -> { Runs = runs; Attempt = { group.Attempt with IsRetry = true } })

            last <- last @ again
            RunsRetried again

    /// Takes the next assignment. None: nothing is left.
    member _.Take() : Assignment option = lock gate take

    /// Reports the end of a teacher's assignment. If the teacher is unavailable, its runs are skipped.
    member _.TeacherEnded(teacher: Teachers.PlannedTeacher, isThere: bool) =
        ended (fun () ->
            if isThere then
                untrained.Remove teacher.Key |> ignore
            else
                drop teacher |> ignore)

    /// Reports the end of a group, except for the runs that another sweep had claimed.
    member _.RunsEnded(claimedElsewhere: Job list) =
        ended (fun () ->
            if not claimedElsewhere.IsEmpty then
                busy <- busy @ [ claimedElsewhere ])

    /// Reports that the costs are counted.
    member _.CostsEnded() = ended ignore

    /// Reports that the process of an assignment ended; the worker continues with a new process.
    member _.ProcessEnded(assignment: Assignment, how: ProcessExit) : CrashOutcome =
        change (fun () ->
            working <- working - 1

            match assignment with
            | CountCosts -> CostsGivenUp
            | TrainRuns(group, _) -> retryRuns how group
            | PrepareTeacher(teacher, attempt) ->
                match standings.ProgressOfTeacher teacher with
                | None ->
                    untrained.Remove teacher.Key |> ignore
                    NothingLeft
                | place ->
                    match Retry.ofOne how (hasProgressed teacher.Key place) attempt with
                    | Some next ->
                        retryTeacher teacher next
                        TeacherRetried next
                    | None -> TeacherGivenUp(drop teacher))

    /// Reports that the worker of an assignment cannot continue, for example because its device is lost; other workers take over. Returns the runs that
    /// are not assigned again.
    member _.WorkerLost(assignment: Assignment) : Job list =
        change (fun () ->
            working <- working - 1
            alive <- alive - 1

            match assignment with
            | CountCosts -> []
            | PrepareTeacher(teacher, attempt) when wasLost teacher.Key ->
                teachers <- (teacher, attempt) :: teachers
                []
            | PrepareTeacher(teacher, _) -> drop teacher
            | TrainRuns(group, _) ->
                let left = group.Runs |> List.filter (fun job -> (standings.ProgressOfRun job).IsSome)
                let again, never = left |> List.partition (fun job -> wasLost job.Folder)

                if not again.IsEmpty then
                    shares <- { group with Runs = again } :: shares

                never)

    /// The number of remaining workers.
    member _.Workers = lock gate (fun () -> alive)

    /// Ends the queue: no more assignments are given out.
    member _.Close() = change (fun () -> closed <- true)
